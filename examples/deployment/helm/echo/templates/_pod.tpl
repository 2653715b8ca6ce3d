{{- define "echo.pod" -}}
metadata:
  labels:
    app: {{ .Release.Name }}
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: echo
      image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"
      ports:
        - name: http
          containerPort: 8080
      readinessProbe:
        httpGet:
          path: /version
          port: http
        periodSeconds: 1
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
{{- end }}
