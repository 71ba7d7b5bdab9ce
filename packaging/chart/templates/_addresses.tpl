{{/* How the Pod is spoken to. */}}
{{- define "gangplank.scheme" -}}
{{- if .Values.tls.existingSecret }}https{{ else }}http{{ end -}}
{{- end -}}

{{/* The registry by the name that the cluster gives it. */}}
{{- define "gangplank.inside" -}}
{{ include "gangplank.fullname" . }}.{{ .Release.Namespace }}.svc:{{ .Values.service.port }}
{{- end -}}

{{/* The host[:port] that logins name; empty where only the caller knows. */}}
{{- define "gangplank.publicAddress" -}}
{{- if .Values.publicAddress -}}
{{ .Values.publicAddress }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{ first .Values.ingress.hosts }}
{{- else if and .Values.httproute.enabled .Values.httproute.hostnames -}}
{{ first .Values.httproute.hostnames }}
{{- end -}}
{{- end -}}
