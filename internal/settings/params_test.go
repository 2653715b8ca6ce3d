package settings

import (
	"strings"
	"testing"
	"time"
)

func TestEngineParams(t *testing.T) {
	standard := EngineParams{QueryTimeout: time.Second, SelfHealMin: 2 * time.Second, SelfHealFactor: 3, SelfHealMax: 300 * time.Second, PersistHealth: true}
	with := func(change func(*EngineParams)) EngineParams {
		p := standard
		change(&p)
		return p
	}
	const backoff = "controller.self.heal.backoff."
	for name, test := range map[string]struct {
		data  map[string]string
		want  EngineParams
		wrong string
	}{
		"nothing": {nil, standard, ""},
		"all": {map[string]string{
			"controller.ignore.normalizer.jq.timeout": "5s", "controller.sync.wave.delay.seconds": "2", "controller.sync.timeout.seconds": "600",
			backoff + "timeout.seconds": "10", backoff + "factor": "2", backoff + "cap.seconds": "60",
		}, EngineParams{QueryTimeout: 5 * time.Second, WavePause: 2 * time.Second, SyncTimeout: 10 * time.Minute, SelfHealMin: 10 * time.Second, SelfHealFactor: 2, SelfHealMax: time.Minute, PersistHealth: true}, ""},
		"a fixed interval instead of growing ones": {map[string]string{backoff + "timeout.seconds": "0", "controller.self.heal.timeout.seconds": "30"},
			with(func(p *EngineParams) {
				p.SelfHealMin, p.SelfHealFactor, p.SelfHealMax = 30*time.Second, 1, 30*time.Second
			}), ""},
		"the fixed one doesn't count beside growing ones": {map[string]string{"controller.self.heal.timeout.seconds": "30"}, standard, ""},
		"a cap below the least":                           {map[string]string{backoff + "cap.seconds": "1"}, with(func(p *EngineParams) { p.SelfHealMax = 2 * time.Second }), ""},
		"health in the tree":                              {map[string]string{"controller.resource.health.persist": "false"}, with(func(p *EngineParams) { p.PersistHealth = false }), ""},
		"health neither nor":                              {map[string]string{"controller.resource.health.persist": "maybe"}, standard, "controller.resource.health.persist"},
		"nonsense": {map[string]string{"controller.sync.timeout.seconds": "10m", "controller.sync.wave.delay.seconds": "3"},
			with(func(p *EngineParams) { p.WavePause = 3 * time.Second }), "controller.sync.timeout.seconds"},
		"a jq timeout of nothing": {map[string]string{"controller.ignore.normalizer.jq.timeout": "0s"}, standard, "controller.ignore.normalizer.jq.timeout"},
		"a factor of nothing":     {map[string]string{backoff + "factor": "0"}, standard, backoff + "factor"},
		"negative":                {map[string]string{"controller.sync.timeout.seconds": "-1"}, standard, "controller.sync.timeout.seconds"},
	} {
		got, err := EngineParamsFrom(test.data, standard)
		if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
