package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// progress is what a watch sees of the applications and of their ConfigMaps, by name.
type progress struct {
	mu   sync.Mutex
	apps map[string]appState
	maps map[string]mapState
	// last is when something was seen.
	last time.Time
}

type appState struct {
	version             string
	sync, health, phase string
	// round is the label "round".
	round string
}

// done tells whether the application is where it should be and says so.
func (a appState) done() bool {
	return a.sync == "Synced" && a.health == "Healthy" && a.phase == "Succeeded"
}

type mapState struct {
	version string
	// round is the field "round" of the data.
	round string
}

// watchEvent has what is read of either kind.
type watchEvent struct {
	Type   string `json:"type"`
	Object struct {
		Metadata struct {
			Name            string `json:"name"`
			ResourceVersion string `json:"resourceVersion"`
			Labels          struct {
				Round string `json:"round"`
			} `json:"labels"`
		} `json:"metadata"`
		Data struct {
			Round string `json:"round"`
		} `json:"data"`
		Status struct {
			Sync struct {
				Status string `json:"status"`
			} `json:"sync"`
			Health struct {
				Status string `json:"status"`
			} `json:"health"`
			OperationState struct {
				Phase string `json:"phase"`
			} `json:"operationState"`
		} `json:"status"`
	} `json:"object"`
}

// watchProgress watches until ctx ends.
func watchProgress(ctx context.Context, config *rest.Config) *progress {
	p := &progress{apps: map[string]appState{}, maps: map[string]mapState{}, last: time.Now()}
	go p.follow(ctx, config, "/apis/argoproj.io/v1alpha1/namespaces/"+hubNamespace+"/applications", p.takeApp)
	go p.follow(ctx, config, "/api/v1/namespaces/"+targetNamespace+"/configmaps", p.takeMap)
	return p
}

// follow watches again when a watch ends; each begins with everything there is.
func (p *progress) follow(ctx context.Context, config *rest.Config, path string, take func(*watchEvent)) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return
	}
	for ctx.Err() == nil {
		_ = p.stream(ctx, client, config.Host+path+"?watch=1", take)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (p *progress) stream(ctx context.Context, client *http.Client, url string, take func(*watchEvent)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	for decoder := json.NewDecoder(answer.Body); ; {
		var e watchEvent
		if err := decoder.Decode(&e); err != nil {
			return err
		}
		p.mu.Lock()
		take(&e)
		p.last = time.Now()
		p.mu.Unlock()
	}
}

func (p *progress) takeApp(e *watchEvent) {
	o := &e.Object
	if e.Type == "DELETED" {
		delete(p.apps, o.Metadata.Name)
		return
	}
	p.apps[o.Metadata.Name] = appState{
		version: o.Metadata.ResourceVersion, sync: o.Status.Sync.Status, health: o.Status.Health.Status,
		phase: o.Status.OperationState.Phase, round: o.Metadata.Labels.Round,
	}
}

func (p *progress) takeMap(e *watchEvent) {
	if e.Type == "DELETED" {
		delete(p.maps, e.Object.Metadata.Name)
		return
	}
	p.maps[e.Object.Metadata.Name] = mapState{version: e.Object.Metadata.ResourceVersion, round: e.Object.Data.Round}
}

// until waits for a state and returns when it was seen. The question is asked under the lock.
func (p *progress) until(ctx context.Context, patience time.Duration, what string, so func() bool) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A question goes through all applications, so it isn't asked at each event; the answer's time is the event's.
	tick := time.NewTicker(2*time.Millisecond + time.Duration(p.size())*2*time.Microsecond)
	defer tick.Stop()
	var asked time.Time
	for {
		p.mu.Lock()
		last := p.last
		yes := last != asked && so()
		p.mu.Unlock()
		if yes {
			return last, nil
		}
		asked = last
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.mu.Lock()
			defer p.mu.Unlock()
			return time.Time{}, fmt.Errorf("waiting until %s: %w; at last: %s", what, ctx.Err(), p.summary())
		}
	}
}

func (p *progress) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.apps)
}

func (p *progress) summary() string {
	done := 0
	for _, app := range p.apps {
		if app.done() {
			done++
		}
	}
	return fmt.Sprintf("%d of %d applications synced and healthy, %d ConfigMaps", done, len(p.apps), len(p.maps))
}

// allDone tells whether n applications are synced and healthy.
func (p *progress) allDone(n int) bool {
	if len(p.apps) < n {
		return false
	}
	for _, app := range p.apps {
		if !app.done() {
			return false
		}
	}
	return true
}

// appsInRound counts the applications with that label.
func (p *progress) appsInRound(round string) (count int) {
	for _, app := range p.apps {
		if app.round == round {
			count++
		}
	}
	return count
}

// versions are the resource versions of all applications and ConfigMaps.
func (p *progress) versions() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]string, len(p.apps)+len(p.maps))
	for name, app := range p.apps {
		all["application "+name] = app.version
	}
	for name, m := range p.maps {
		all["ConfigMap "+name] = m.version
	}
	return all
}

// changedBut counts the objects that changed between two looks, without those of one application.
func changedBut(before, after map[string]string, name string) (count float64) {
	for object, version := range after {
		if before[object] != version && object != "application "+name && object != "ConfigMap "+name {
			count++
		}
	}
	return count
}
