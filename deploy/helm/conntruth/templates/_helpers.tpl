{{- /* Takes a dict of `root` and `component`. */}}
{{- define "conntruth.labels" -}}
{{ include "conntruth.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "conntruth.podLabels" -}}
app.kubernetes.io/name: conntruth
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "conntruth.image" -}}
image: {{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "conntruth.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Agents are known by these names: of the account, and in the controller's certificate. */}}
{{- define "conntruth.checkNamespace" -}}
{{- if ne .Release.Namespace "conntruth-system" }}
{{- fail (printf "conntruth is installed into the namespace conntruth-system, not %s: helm install ... --namespace conntruth-system" .Release.Namespace) }}
{{- end }}
{{- end }}

{{- /* Of a NetworkPolicy's rule: from these ranges, or from anywhere. */}}
{{- define "conntruth.from" -}}
{{- with . }}
from:
  {{- range . }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Only what differs from the program's own defaults. */}}
{{- define "conntruth.serveArguments" -}}
{{- with .Values.apiServer }}
- --api-server={{ . }}
{{- end }}
{{- if ne .Values.cluster.name "cluster" }}
- --cluster-name={{ .Values.cluster.name }}
{{- end }}
{{- with .Values.cluster.serviceRanges }}
- --service-range={{ join "," . }}
{{- end }}
{{- with .Values.cluster.externalIPs }}
- --external-ips={{ join "," . }}
{{- end }}
{{- with .Values.cluster.loadBalancerIPs }}
- --load-balancer-ips={{ join "," . }}
{{- end }}
{{- if ne .Values.cluster.nodePorts "30000-32767" }}
- --node-ports={{ .Values.cluster.nodePorts }}
{{- end }}
{{- if ne (int .Values.anchors.perNode) 2 }}
- --anchors={{ int .Values.anchors.perNode }}
{{- end }}
{{- if ne (int .Values.controller.keepRuns) 20 }}
- --keep={{ int .Values.controller.keepRuns }}
{{- end }}
{{- end }}
