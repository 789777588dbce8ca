{{- define "hinomi.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "hinomi.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "hinomi.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hinomi.selector" -}}
app.kubernetes.io/name: {{ include "hinomi.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hinomi.labels" -}}
{{ include "hinomi.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hinomi.serviceAccount" -}}
{{- default (ternary (include "hinomi.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "hinomi.image" -}}
{{- $registry := coalesce .Values.image.registry .Values.global.imageRegistry (dig "systemDefaultRegistry" "" .Values.global.cattle) -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end -}}

{{/* True where an object of the operator is wanted: its `enabled` is true, or auto and the cluster knows the kind. */}}
{{- define "hinomi.wanted" -}}
{{- $known := .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}
{{- if or (eq (toString .enabled) "true") (and (eq (toString .enabled) "auto") $known) -}}true{{- end -}}
{{- end -}}

{{/* Where a Secret's key is mounted, or nothing. */}}
{{- define "hinomi.secretFile" -}}
{{- if .key -}}/etc/hinomi/{{ .of }}/{{ .key }}{{- end -}}
{{- end -}}

{{/* The agent's configuration: what the values mean, and .Values.config over it. */}}
{{- define "hinomi.config" -}}
{{- $sinks := dict -}}
{{- $routes := list -}}
{{- with .Values.elasticsearch -}}
{{- if .endpoints -}}
{{- if and (or .secret.password .secret.apiKey .secret.token .secret.ca .secret.certificate .secret.key) (not .secret.name) -}}
{{- fail "elasticsearch.secret.name: it has to name the Secret that holds the keys of elasticsearch.secret" -}}
{{- end -}}
{{- $sink := dict "type" "elasticsearch" "endpoints" .endpoints -}}
{{- range $key, $value := dict "index" .index "username" .username
      "password_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.password))
      "api_key_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.apiKey))
      "token_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.token))
      "ca_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.ca))
      "certificate_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.certificate))
      "key_file" (include "hinomi.secretFile" (dict "of" "elasticsearch" "key" .secret.key)) -}}
{{- if $value }}{{- $_ := set $sink $key $value }}{{- end -}}
{{- end -}}
{{- $_ := set $sinks "elasticsearch" $sink -}}
{{- $routes = append $routes (dict "sink" "elasticsearch") -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka -}}
{{- if .brokers -}}
{{- if and (or .secret.password .secret.ca .secret.certificate .secret.key) (not .secret.name) -}}
{{- fail "kafka.secret.name: it has to name the Secret that holds the keys of kafka.secret" -}}
{{- end -}}
{{- $sink := dict "type" "kafka" "brokers" .brokers -}}
{{- range $key, $value := dict "topic" .topic "username" .username "sasl" .sasl "tls" .tls
      "password_file" (include "hinomi.secretFile" (dict "of" "kafka" "key" .secret.password))
      "ca_file" (include "hinomi.secretFile" (dict "of" "kafka" "key" .secret.ca))
      "certificate_file" (include "hinomi.secretFile" (dict "of" "kafka" "key" .secret.certificate))
      "key_file" (include "hinomi.secretFile" (dict "of" "kafka" "key" .secret.key)) -}}
{{- if $value }}{{- $_ := set $sink $key $value }}{{- end -}}
{{- end -}}
{{- $_ := set $sinks "kafka" $sink -}}
{{- $routes = append $routes (dict "sink" "kafka") -}}
{{- end -}}
{{- end -}}
{{- if not (or $sinks (hasKey .Values.config "sinks")) -}}
{{- fail "no sink: give elasticsearch.endpoints, kafka.brokers or config.sinks" -}}
{{- end -}}
{{- if and .Values.kubelet.volumes (not .Values.kubelet.enabled) -}}
{{- fail "kubelet.volumes: it needs kubelet.enabled" -}}
{{- end -}}
{{- $config := dict "cluster" .Values.cluster "host_root" "/host" "state_dir" "/var/lib/hinomi"
      "http" (dict "listen" (printf ":%v" .Values.http.port)) -}}
{{- if $sinks -}}
{{- $_ := set $config "sinks" $sinks -}}
{{- $_ := set $config "routes" $routes -}}
{{- end -}}
{{- if .Values.http.tokenSecret.name -}}
{{- $_ := set $config.http "token_file" (include "hinomi.secretFile" (dict "of" "token" "key" .Values.http.tokenSecret.key)) -}}
{{- end -}}
{{- if .Values.kubelet.enabled -}}
{{- $account := "/var/run/secrets/kubernetes.io/serviceaccount" -}}
{{- $ca := ternary (printf "/host%s" .Values.kubelet.caFile) (printf "%s/ca.crt" $account) (ne .Values.kubelet.caFile "") -}}
{{- $_ := set $config "metadata" (dict "kubelet" (dict "token_file" (printf "%s/token" $account) "ca_file" $ca)) -}}
{{- end -}}
{{- $metrics := dict -}}
{{- if .Values.kubelet.volumes }}{{- $_ := set $metrics "volumes" true }}{{- end -}}
{{- if eq .Values.platform "k3s" }}{{- $_ := set $metrics "pod_capacity" 110 }}{{- end -}}
{{- if $metrics }}{{- $_ := set $config "metrics" $metrics }}{{- end -}}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}
