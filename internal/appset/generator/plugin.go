package generator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/web"
)

// Plugin finds parameters by asking a service that the operator runs: Argo CD's operator manual, "Plugin Generator".
type Plugin struct {
	options HostOptions
	web     web.Clients
	answers answers[[]Params]
}

// NewPlugin makes the generator.
func NewPlugin(options HostOptions) *Plugin {
	return &Plugin{options: options, answers: answers[[]Params]{now: options.Now}}
}

const (
	// pluginTimeout is how long a plugin may take that doesn't say.
	pluginTimeout = 30 * time.Second
	// maxPluginTimeout and maxPluginAnswer bound what a plugin may take.
	maxPluginTimeout = 10 * time.Minute
	maxPluginAnswer  = 32 << 20
)

// RequeueAfter implements Generator.
func (p *Plugin) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return After(g.Plugin.RequeueAfterSeconds, DefaultRequeue)
}

// Forget has the service asked again the next time by the generators that are concerned.
func (p *Plugin) Forget(concerned func(*v1alpha1.ApplicationSetGenerator) bool) {
	p.answers.forget(concerned)
}

// Params implements Generator.
func (p *Plugin) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	service, err := p.service(ctx, g.Plugin.ConfigMapRef.Name)
	if err != nil {
		return nil, fmt.Errorf("error getting plugin from generator: %w", err)
	}
	question := v1alpha1.PluginGenerator{ConfigMapRef: g.Plugin.ConfigMapRef, Input: g.Plugin.Input}
	found, err := p.answers.get(v1alpha1.ApplicationSetGenerator{Plugin: &question}, set, p.RequeueAfter(g), []any{service, set.Name}, func() ([]Params, error) {
		return p.ask(ctx, service, set.Name, g.Plugin.Input)
	})
	if err != nil {
		return nil, fmt.Errorf("error listing params: %w", err)
	}
	input := map[string]any{}
	for name, value := range g.Plugin.Input.Parameters {
		var decoded any
		if err := json.Unmarshal(value.Raw, &decoded); err != nil {
			return nil, fmt.Errorf("error generating params: reading the input parameter %q: %w", name, err)
		}
		input[name] = decoded
	}
	all := make([]Params, 0, len(found))
	for _, one := range found {
		params := appset.CopyParams(one)
		if !set.Spec.GoTemplate {
			params = Params{}
			for name, value := range appset.Flatten(one) {
				params[name] = value
			}
		} else if params == nil {
			params = Params{}
		}
		params["generator"] = map[string]any{"input": map[string]any{"parameters": input}}
		if err := appset.AddValues(params, g.Plugin.Values, set); err != nil {
			return nil, fmt.Errorf("error generating params: %w", err)
		}
		all = append(all, params)
	}
	return all, nil
}

// pluginService is where a plugin is and how it is asked.
type pluginService struct {
	url, token string
	timeout    time.Duration
}

// service reads the ConfigMap of a plugin, and the token that it refers to: $KEY of argocd-secret, or $SECRET:KEY.
func (p *Plugin) service(ctx context.Context, name string) (pluginService, error) {
	var configMap corev1.ConfigMap
	if err := p.options.Reader.Get(ctx, client.ObjectKey{Namespace: p.options.Namespace, Name: name}, &configMap); err != nil {
		return pluginService{}, fmt.Errorf("error fetching ConfigMap: %w", err)
	}
	data := configMap.Data
	for _, key := range []string{"baseUrl", "token"} {
		if data[key] == "" {
			return pluginService{}, fmt.Errorf("error fetching ConfigMap: %s not found in ConfigMap", key)
		}
	}
	service := pluginService{timeout: pluginTimeout}
	base, err := url.Parse(data["baseUrl"])
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return pluginService{}, fmt.Errorf("error initializing plugin client: baseUrl of ConfigMap %s is no http(s) URL", name)
	}
	service.url = strings.TrimRight(base.String(), "/") + "/api/v1/getparams.execute"
	if text := data["requestTimeout"]; text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return pluginService{}, fmt.Errorf("error set requestTimeout : %w", err)
		}
		if seconds > 0 {
			service.timeout = min(time.Duration(min(seconds, 1_000_000))*time.Second, maxPluginTimeout)
		}
	}
	service.token, err = p.token(ctx, data["token"])
	if err != nil {
		return pluginService{}, fmt.Errorf("error fetching Secret token: %w", err)
	}
	return service, nil
}

func (p *Plugin) token(ctx context.Context, reference string) (string, error) {
	key, ok := strings.CutPrefix(reference, "$")
	if !ok {
		// What is there may be the token itself.
		return "", errors.New("token is empty, or does not reference a secret key starting with '$'")
	}
	name := settings.SecretName
	if before, after, ok := strings.Cut(key, ":"); ok {
		name, key = before, after
	}
	var secret corev1.Secret
	if err := p.options.Reader.Get(ctx, client.ObjectKey{Namespace: p.options.Namespace, Name: name}, &secret); err != nil {
		return "", fmt.Errorf("error fetching secret %s/%s: %w", p.options.Namespace, name, err)
	}
	value, ok := secret.Data[key]
	if !ok {
		return "", fmt.Errorf("key %q in secret %s/%s not found", key, p.options.Namespace, name)
	}
	return strings.TrimSpace(string(value)), nil
}

// ask posts the question and reads the answer.
func (p *Plugin) ask(ctx context.Context, service pluginService, set string, input v1alpha1.PluginInput) ([]Params, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		ApplicationSetName string               `json:"applicationSetName"`
		Input              v1alpha1.PluginInput `json:"input"`
	}{set, input})
	if err != nil {
		return nil, fmt.Errorf("writing the question: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, service.timeout, errors.New("no answer in time"))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, service.url, &body)
	if err != nil {
		return nil, errors.New("asking the plugin: its address is no URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "argocd-applicationset")
	request.Header.Set("Authorization", "Bearer "+service.token)
	shared, err := p.web.Client(web.Connection{})
	if err != nil {
		return nil, err
	}
	client := *shared
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // nobody else gets the token
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("error get api '%s': %w", set, web.PlainError(ctx, err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxPluginAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("error get api '%s': %w", set, web.PlainError(ctx, err))
	}
	if len(answer) > maxPluginAnswer {
		return nil, fmt.Errorf("error get api '%s': the answer has more than %d bytes", set, maxPluginAnswer)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, fmt.Errorf("error get api '%s': API error with status code %d: %s", set, response.StatusCode, pluginMessage(answer, service.token))
	}
	found, err := pluginAnswer(answer)
	if err != nil {
		return nil, fmt.Errorf("error get api '%s': %w", set, err)
	}
	return found, nil
}

// pluginAnswer reads an answer of success. Parameters that are null are none, as Go writes an empty list; without the field it is no
// answer, and nothing is deleted for it.
func pluginAnswer(answer []byte) ([]Params, error) {
	var read struct {
		Output struct {
			Parameters json.RawMessage `json:"parameters"`
		} `json:"output"`
	}
	err := json.Unmarshal(answer, &read)
	if err == nil && len(read.Output.Parameters) == 0 {
		err = errors.New("it has no output.parameters")
	}
	var found []Params
	if err == nil {
		err = json.Unmarshal(read.Output.Parameters, &found)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the plugin's answer: %w", err)
	}
	return found, nil
}

// pluginMessage is what a plugin says about an error, shortened and without its token.
func pluginMessage(answer []byte, token string) string {
	var said struct{ Message, Error any }
	text := string(answer)
	if json.Unmarshal(answer, &said) == nil {
		text = ""
		if message, ok := said.Message.(string); ok {
			text = message
		} else if message, ok := said.Error.(string); ok {
			text = message
		}
	}
	if token != "" {
		text = strings.ReplaceAll(text, token, "***")
	}
	const enough = 300
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}
