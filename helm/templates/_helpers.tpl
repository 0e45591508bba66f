{{/* Begins every name. Short enough for what is added to it. */}}
{{- define "keelson.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-keelson" .Release.Name) (contains "keelson" .Release.Name) -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "keelson.selector" -}}
app.kubernetes.io/name: keelson
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "keelson.labels" -}}
helm.sh/chart: {{ printf "keelson-%s" .Chart.Version | replace "+" "_" }}
{{ include "keelson.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "keelson.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The programs in the image, all in one place: serve, migrate, and the one that makes the bundled database's password. */}}
{{- define "keelson.serve" -}}
[node, dist/keelson.js, serve]
{{- end }}
{{- define "keelson.migrate" -}}
[node, dist/keelson.js, migrate]
{{- end }}
{{- define "keelson.makeDatabaseSecret" -}}
[node, dist/keelson.js, database, password, --secret, {{ include "keelson.databaseSecret" . }}]
{{- end }}

{{- define "keelson.keysSecret" -}}
{{ .Values.keys.existingSecret | default (printf "%s-keys" (include "keelson.fullname" .)) }}
{{- end }}
{{- define "keelson.database" -}}
{{ include "keelson.fullname" . }}-postgresql
{{- end }}
{{- define "keelson.databaseSecret" -}}
{{ include "keelson.fullname" . }}-database
{{- end }}
{{- define "keelson.appSecretsRole" -}}
{{ include "keelson.fullname" . }}-app-secrets
{{- end }}

{{/* Seconds that a request may wait for its outcome, which no proxy shall cut short. */}}
{{- define "keelson.requestWait" -}}
{{ hasKey .Values.settings "REQUEST_WAIT" | ternary (get .Values.settings "REQUEST_WAIT") 1200 | int64 }}
{{- end }}

{{- define "keelson.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}
{{- define "keelson.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: { drop: [ALL] }
{{- end }}

{{/* Who and where this Keelson is, and its database. */}}
{{- define "keelson.env" -}}
- name: KEELSON_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: KEELSON_SERVICE_ACCOUNT
  valueFrom: { fieldRef: { fieldPath: spec.serviceAccountName } }
- name: KEELSON_SECRETS_ROLE
  value: {{ include "keelson.appSecretsRole" . }}
{{- end }}
{{- define "keelson.databaseEnv" -}}
{{- if .Values.database.bundled }}
- name: DATABASE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "keelson.databaseSecret" . }}, key: password } }
- name: DATABASE_URL
  value: postgresql://keelson:$(DATABASE_PASSWORD)@{{ include "keelson.database" . }}:5432/keelson
{{- else }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.urlKey }} } }
{{- end }}
{{- end }}

{{/* The settings of every container. What is secret comes later and so comes first. */}}
{{- define "keelson.envFrom" -}}
- configMapRef: { name: {{ include "keelson.fullname" . }} }
{{- if .Values.settingsSecret }}
- secretRef: { name: {{ .Values.settingsSecret }} }
{{- end }}
{{- end }}

{{/* The container that migrates the database, and makes the keys if there are none. */}}
{{- define "keelson.migrateContainer" -}}
name: migrate
image: {{ include "keelson.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: {{ include "keelson.migrate" . }}
workingDir: /app
securityContext: {{- include "keelson.containerSecurity" . | nindent 2 }}
env:
  {{- include "keelson.env" . | nindent 2 }}
  {{- include "keelson.databaseEnv" . | nindent 2 }}
  {{- if .Values.database.migrationUrlKey }}
  - name: MIGRATION_DATABASE_URL
    valueFrom: { secretKeyRef: { name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.migrationUrlKey }} } }
  {{- end }}
  {{- if not .Values.keys.existingSecret }}
  - name: KEELSON_KEYS_SECRET
    value: {{ include "keelson.keysSecret" . }}
  {{- end }}
envFrom:
  {{- if .Values.settingsSecret }}
  - secretRef: { name: {{ .Values.settingsSecret }} }
  {{- end }}
  - secretRef: { name: {{ include "keelson.keysSecret" . }}, optional: {{ not .Values.keys.existingSecret }} }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{/* What the pods that serve and the one that migrates before an upgrade have in common. */}}
{{- define "keelson.pod" -}}
serviceAccountName: {{ include "keelson.fullname" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext: {{- include "keelson.podSecurity" . | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
{{- end }}

{{/* What can't be said by the schema. Lint, which has no values, only notes it. */}}
{{- define "keelson.check" -}}
{{- if and (not .Values.database.bundled) (not .Values.database.existingSecret) -}}
{{- fail "Say where the database is: database.existingSecret names a Secret with its URL (production); database.bundled=true installs one (trials)." -}}
{{- end -}}
{{- if and .Values.database.bundled .Values.database.existingSecret -}}
{{- fail "Say one database: database.bundled=true or database.existingSecret, not both." -}}
{{- end -}}
{{- if and .Values.database.bundled .Values.database.migrationUrlKey -}}
{{- fail "database.migrationUrlKey is a key of database.existingSecret: it can't be given with database.bundled=true." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled=true needs ingress.host: the name under which Keelson is reached." -}}
{{- end -}}
{{- end }}
