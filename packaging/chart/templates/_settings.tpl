{{/* What cannot work, refused before anything is made. */}}
{{- define "gangplank.refuse" -}}
{{- if gt (int .Values.replicaCount) 1 -}}
{{- fail (printf "replicaCount is %d, and one server at a time uses the database (SQLite): set it to 1, or to 0 to stop it" (int .Values.replicaCount)) -}}
{{- end -}}
{{- range list "listen" "admin-listen" "data-dir" "public-address" "tls-cert" "tls-key" "insecure-http" "master-key-file" -}}
{{- if hasKey $.Values.config . -}}
{{- fail (printf "config.%s is set by this chart: see publicAddress, service, persistence, tls and masterKey in its values" .) -}}
{{- end -}}
{{- end -}}
{{- if ne (toString (get .Values.config "engine")) "none" -}}
{{- fail "config.engine has to be none: there is no container engine in a Pod, and deployments do not run on Kubernetes" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: name the host of the registry, or everything that comes to the ingress would end here" -}}
{{- end -}}
{{- if and .Values.httproute.enabled (not .Values.httproute.parentRefs) -}}
{{- fail "httproute.parentRefs is empty: name the Gateway that the registry is reached through" -}}
{{- end -}}
{{- end -}}

{{/* The server's file. Helm reads large whole numbers as fractions, which the server would refuse. */}}
{{- define "gangplank.toml" -}}
{{- $settings := dict -}}
{{- range $name, $value := .Values.config -}}
{{- if kindIs "float64" $value -}}
{{- if eq $value (floor $value) -}}{{- $value = int64 $value -}}{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $settings $name $value -}}{{- end -}}
{{- end -}}
{{ toToml $settings }}
{{- end -}}
