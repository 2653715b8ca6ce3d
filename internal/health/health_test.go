package health

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Each file of a scenario archive is one object; its first line is a comment with the expected health: code, then message.
func TestOf(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+file.Name, func(t *testing.T) {
				first, _, _ := strings.Cut(string(file.Data), "\n")
				want := strings.TrimSpace(strings.TrimPrefix(first, "#"))
				objects, err := object.Parse(file.Data)
				if err != nil || len(objects) != 1 {
					t.Fatalf("%d objects, %v", len(objects), err)
				}
				got := "none"
				if s := Of(objects[0]); s != nil {
					got = strings.TrimSpace(string(s.Code) + " " + s.Message)
				}
				if got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		}
	}
}

func TestWorst(t *testing.T) {
	const h, s, p, m, d = v1alpha1.HealthStatusHealthy, v1alpha1.HealthStatusSuspended, v1alpha1.HealthStatusProgressing, v1alpha1.HealthStatusMissing, v1alpha1.HealthStatusDegraded
	for want, codes := range map[v1alpha1.HealthStatusCode][]v1alpha1.HealthStatusCode{h: {}, s: {h, s}, p: {p, s, h}, m: {m, p}, d: {h, m, d, p}} {
		if got := Worst(codes...); got != want {
			t.Errorf("worst of %v is %s, want %s", codes, got, want)
		}
	}
}
