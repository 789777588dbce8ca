{{- define "hinomi.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What the agent's pod and the pod of `helm test` have in common. */}}
{{- define "hinomi.podSpec" -}}
serviceAccountName: {{ include "hinomi.serviceAccount" . }}
automountServiceAccountToken: {{ .Values.kubelet.enabled }}
{{- include "hinomi.pullSecrets" . }}
hostNetwork: {{ .Values.hostNetwork }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
securityContext:
  runAsUser: 0
  {{- with .Values.security.seLinuxType }}
  seLinuxOptions: {type: {{ . }}}
  {{- end }}
  seccompProfile: {type: {{ .Values.security.seccompProfile }}}
volumes:
  - name: config
    configMap: {name: {{ include "hinomi.fullname" . }}}
  - name: log
    hostPath: {path: /var/log}
  - name: state
    hostPath: {path: {{ .Values.stateDir }}, type: DirectoryOrCreate}
  {{- range $name, $path := fromYaml (include "hinomi.hostPaths" .) }}
  - name: {{ $name }}
    hostPath: {path: {{ $path }}}
  {{- end }}
  {{- range $of, $secret := fromYaml (include "hinomi.secrets" .) }}
  - name: {{ $of }}
    secret: {secretName: {{ $secret }}, defaultMode: 0400}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Read-only paths of the node, by volume. */}}
{{- define "hinomi.hostPaths" -}}
{{- if .Values.hostRoot }}
root: /
{{- else }}
proc: /proc
sys: /sys
run: /run
{{- if eq .Values.platform "rke1" }}
docker: /var/lib/docker
{{- end }}
{{- end }}
{{- end -}}

{{/* Secrets that exist, by the directory below /etc/hinomi that they are mounted at. */}}
{{- define "hinomi.secrets" -}}
{{- range $of, $secret := dict "elasticsearch" .Values.elasticsearch.secret.name "kafka" .Values.kafka.secret.name "token" .Values.http.tokenSecret.name }}
{{- if $secret }}
{{ $of }}: {{ $secret }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hinomi.container" -}}
image: {{ include "hinomi.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- if .Values.kubelet.enabled }}
  - name: NODE_ADDRESS
    valueFrom: {fieldRef: {fieldPath: status.hostIP}}
  - name: HINOMI_METADATA_KUBELET_URL
    value: https://$(NODE_ADDRESS):10250
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
    {{- with .Values.security.capabilities }}
    add: {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- if and .Values.security.appArmorProfile (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
  appArmorProfile: {type: {{ .Values.security.appArmorProfile }}}
  {{- end }}
{{- with .Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/hinomi/config, readOnly: true}
  {{- range $name, $path := fromYaml (include "hinomi.hostPaths" .) }}
  - {name: {{ $name }}, mountPath: {{ printf "/host%s" $path | trimSuffix "/" }}, readOnly: true, mountPropagation: HostToContainer}
  {{- end }}
  # One mount for logs and escrow, writable for the latter: a file cannot be linked from one mount into another.
  - {name: log, mountPath: /host/var/log, mountPropagation: HostToContainer}
  - {name: state, mountPath: /var/lib/hinomi}
  {{- range $of, $secret := fromYaml (include "hinomi.secrets" .) }}
  - {name: {{ $of }}, mountPath: /etc/hinomi/{{ $of }}, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
