{{/* What the server's Pod and the test's have in common. */}}
{{- define "gangplank.pod" -}}
serviceAccountName: {{ include "gangplank.serviceAccountName" . }}
automountServiceAccountToken: false
# Otherwise the cluster's variables for Services would look like settings: GANGPLANK_PORT=tcp://...
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Variables, so that commands run in the Pod know the same. */}}
{{- define "gangplank.env" -}}
- name: GANGPLANK_CONFIG
  value: /etc/gangplank/config/gangplank.toml
- name: GANGPLANK_LISTEN
  value: 0.0.0.0:5000
- name: GANGPLANK_ADMIN_LISTEN
  value: 0.0.0.0:5001
# A folder in the volume. The volume itself belongs to its driver, and its mode may not be changed.
- name: GANGPLANK_DATA_DIR
  value: /data/gangplank
{{- with include "gangplank.publicAddress" . }}
- name: GANGPLANK_PUBLIC_ADDRESS
  value: {{ . | quote }}
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: GANGPLANK_TLS_CERT
  value: /etc/gangplank/tls/tls.crt
- name: GANGPLANK_TLS_KEY
  value: /etc/gangplank/tls/tls.key
{{- else }}
# TLS ends in front of the Pod.
- name: GANGPLANK_INSECURE_HTTP
  value: "true"
{{- end }}
{{- if .Values.masterKey.existingSecret }}
- name: GANGPLANK_MASTER_KEY_FILE
  value: /etc/gangplank/master-key/master.key
{{- end }}
{{- with .Values.rootKey.existingSecret }}
- name: GANGPLANK_ROOT_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: access-key-id
- name: GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE
  value: /etc/gangplank/root-key/secret-access-key
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gangplank.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
- name: config
  mountPath: /etc/gangplank/config
  readOnly: true
{{- range $name, $secret := include "gangplank.secrets" . | fromYaml }}
- name: {{ $name }}
  mountPath: /etc/gangplank/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gangplank.volumes" -}}
{{- if not .Values.persistence.enabled -}}
# All data is lost with the Pod.
- name: data
  emptyDir: {}
{{ else if .Values.persistence.existingClaim -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim }}
{{ end -}}
- name: tmp
  emptyDir: {}
- name: config
  configMap:
    name: {{ include "gangplank.fullname" . }}
{{- range $name, $secret := include "gangplank.secrets" . | fromYaml }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret.name }}
    defaultMode: 0400
    items:
      {{- range $secret.files }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The Secrets that are mounted: each with its files. */}}
{{- define "gangplank.secrets" -}}
{{- with .Values.rootKey.existingSecret }}
root-key: {name: {{ . }}, files: [secret-access-key]}
{{- end }}
{{- with .Values.masterKey.existingSecret }}
master-key: {name: {{ . }}, files: [master.key]}
{{- end }}
{{- with .Values.tls.existingSecret }}
tls: {name: {{ . }}, files: [tls.crt, tls.key]}
{{- end }}
{{- end -}}
