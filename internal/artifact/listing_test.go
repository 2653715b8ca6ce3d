package artifact

import (
	"fmt"
	"testing"
)

func TestChartsOfAnIndex(t *testing.T) {
	const laidOut = `apiVersion: v1
entries:
  web:
  - name: web
    version: 1.1.0
    description: |
      two
      lines: of text
  - name: web
    version: 1.0.0
  "api":
    - {name: api, version: 2.0.0}
generated: "2026-01-01T00:00:00Z"
`
	for name, index := range map[string]string{
		"by lines": laidOut,
		"as JSON":  `{"entries": {"web": [{"version": "1.1.0"}, {"version": "1.0.0"}], "api": [{"version": "2.0.0"}]}}`,
	} {
		charts, err := chartsOf([]byte(index))
		if got := fmt.Sprint(charts); err != nil || got != "[{api [2.0.0]} {web [1.1.0 1.0.0]}]" {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for _, index := range []string{"", "{}", "apiVersion: v1\n", "[}"} {
		if charts, err := chartsOf([]byte(index)); err == nil {
			t.Errorf("%q: got %v and no error", index, charts)
		}
	}
	if charts, err := chartsOf([]byte("entries:\n")); err != nil || len(charts) != 0 {
		t.Errorf("an index without charts: %v, %v", charts, err)
	}
}

func FuzzChartsOf(f *testing.F) {
	f.Add([]byte("entries:\n  web:\n  - version: 1.0.0\n"))
	f.Add([]byte("entries:\n- a\n b:\n"))
	f.Fuzz(func(t *testing.T, index []byte) {
		charts, err := chartsOf(index)
		for _, chart := range charts {
			if err != nil && chart.Name != "" {
				t.Errorf("a chart and an error: %v", err)
			}
		}
	})
}
