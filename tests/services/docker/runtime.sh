# A dockerd with a containerd of its own, answering at $state/docker.sock; its data directory is $state/root. It has
# no network but the node's: nothing of iptables, no bridge. Sourced by containerd/node.sh.
dockerd --data-root "$state/root" --exec-root "$state/exec" --pidfile "$state/dockerd.pid" \
  --host "unix://$state/docker.sock" --storage-driver vfs --bridge none \
  --iptables=false --ip6tables=false --ip-forward=false > "$state/runtime.log" 2>&1 &
docker=(docker --host "unix://$state/docker.sock")
for _ in $(seq 400); do
  ! "${docker[@]}" version > /dev/null 2>&1 || break
  sleep 0.05
done
for image in "$state"/images/*.tar; do "${docker[@]}" load --input "$image"; done
