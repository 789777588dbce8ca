# A node of Kubernetes called node1, with its control plane, by the program $KUBE and Debian's containerd, runc, CNI
# plugins and etcd; it is Ready at the end. The kubelet's paths are the real ones and exist in the node alone: /var/lib
# and /var/log are $state/var/lib and $state/var/log. The node is 10.88.0.1, its pods are in 10.244.0.0/24; there is no
# DNS and no kube-proxy. What each part says is in $state/PART.log. Sourced by containerd/node.sh.
: "${KUBE:?the program that kubernetes/build.sh prints}"
address=10.88.0.1

# wait_for SECONDS COMMAND...
wait_for() {
  local tries=$(($1 * 10))
  shift
  until "$@" > /dev/null 2>&1; do
    ((tries-- > 0)) || { echo "gave up waiting for: $*"; exit 1; }
    sleep 0.1
  done
}

ln -s "$KUBE" "$state/kube" # for in.sh
kubectl() { "$KUBE" kubectl --kubeconfig "$state/admin.conf" "$@"; }

mkdir -p "$state"/var/{lib,log}
mount --bind "$state/var/lib" /var/lib
mount --bind "$state/var/log" /var/log
mkdir /run/lock

# The kubelet sets these for the whole machine, which is not ours: it finds what it wants in files of the node.
mkdir /run/sysctl
while read -r name value; do
  echo "$value" > "/run/sysctl/${name##*/}"
  mount --bind "/run/sysctl/${name##*/}" "/proc/sys/$name"
done << END_OF_SETTINGS
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END_OF_SETTINGS

ip link add eth0 type bridge # with nothing behind it
ip link set eth0 up
ip address add "$address/24" dev eth0
ip route add default dev eth0
echo 1 > /proc/sys/net/ipv4/ip_forward
mkdir /run/cni.d
cat > /run/cni.d/bridge.conflist << END_OF_NETWORK
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "10.244.0.0/24"}]]}}]}
END_OF_NETWORK
echo 'nameserver 127.0.0.1' > /run/resolv.conf

# One authority signs the API server, the kubelet's own port and every client.
make_pki() {
  key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }
  # certificate NAME SUBJECT [ADDRESSES]
  certificate() {
    key "$1"
    openssl req -new -key "$1.key" -subj "$2" | openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
      -out "$1.crt" -extfile <(echo "extendedKeyUsage=serverAuth,clientAuth
        ${3:+subjectAltName=$3}") 2> /dev/null
  }
  key ca
  openssl req -x509 -new -key ca.key -subj /CN=hinomi-test -days 30 -out ca.crt
  certificate apiserver /CN=kubernetes "DNS:kubernetes.default.svc,IP:10.96.0.1,IP:$address"
  certificate admin /O=system:masters/CN=admin
  certificate node /O=system:nodes/CN=system:node:node1 "DNS:node1,IP:$address"
  openssl ecparam -genkey -name prime256v1 -noout -out accounts.key
  openssl ec -in accounts.key -pubout -out accounts.pub 2> /dev/null
  local who
  for who in admin node; do
    cat > "$state/$who.conf" << END_OF_CLIENT
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$address:6443", certificate-authority: $state/pki/ca.crt}}]
users: [{name: $who, user: {client-certificate: $state/pki/$who.crt, client-key: $state/pki/$who.key}}]
contexts: [{name: test, context: {cluster: test, user: $who}}]
current-context: test
END_OF_CLIENT
  done
}
mkdir "$state/pki"
pushd "$state/pki" > /dev/null
make_pki
popd > /dev/null

# Logs turn over soon and containers are started again soon, so that a test sees it happen.
cat > /run/kubelet.yaml << END_OF_KUBELET
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: /run/resolv.conf
tlsCertFile: $state/pki/node.crt
tlsPrivateKeyFile: $state/pki/node.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $state/pki/ca.crt}}
authorization: {mode: Webhook}
containerLogMaxSize: 1Mi
containerLogMaxFiles: 3
containerLogMonitorInterval: 3s
volumeStatsAggPeriod: 2s
crashLoopBackOff: {maxContainerRestartPeriod: 1s}
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
END_OF_KUBELET

etcd --data-dir /run/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 > "$state/etcd.log" 2>&1 &
"$KUBE" apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --advertise-address="$address" \
  --service-cluster-ip-range=10.96.0.0/24 --allow-privileged=true --authorization-mode=Node,RBAC \
  --enable-admission-plugins=NodeRestriction --client-ca-file="$state/pki/ca.crt" \
  --tls-cert-file="$state/pki/apiserver.crt" --tls-private-key-file="$state/pki/apiserver.key" \
  --kubelet-certificate-authority="$state/pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
  --kubelet-client-certificate="$state/pki/admin.crt" --kubelet-client-key="$state/pki/admin.key" \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$state/pki/accounts.pub" \
  --service-account-signing-key-file="$state/pki/accounts.key" > "$state/apiserver.log" 2>&1 &
containerd_root=/var/lib/containerd # where nodes have it
source "${runtime%/*}/../containerd/runtime.sh"
ln -s "$state/containerd.sock" /run/containerd/containerd.sock
"$KUBE" kubelet --config=/run/kubelet.yaml --kubeconfig="$state/node.conf" --hostname-override=node1 \
  --node-ip="$address" > "$state/kubelet.log" 2>&1 &
wait_for 90 kubectl get --raw /readyz
"$KUBE" controller-manager --kubeconfig="$state/admin.conf" --leader-elect=false --root-ca-file="$state/pki/ca.crt" \
  --service-account-private-key-file="$state/pki/accounts.key" > "$state/controller_manager.log" 2>&1 &
"$KUBE" scheduler --kubeconfig="$state/admin.conf" --leader-elect=false > "$state/scheduler.log" 2>&1 &
wait_for 60 kubectl get node node1
kubectl wait --for=condition=Ready --timeout=60s node/node1
wait_for 60 kubectl get serviceaccount default
