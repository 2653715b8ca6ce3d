//go:build integration

package app

import (
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/testkube"
)

// writes remembers requests that write.
type writes struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
}

func (w *writes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		w.mu.Lock()
		w.seen = append(w.seen, r.Method+" "+r.URL.Path)
		w.mu.Unlock()
	}
	return w.next.RoundTrip(r)
}

// A hub that starts again writes nothing; what somebody has changed of a definition, it puts right.
func TestInstallingAgainWritesNothing(t *testing.T) {
	counted := &writes{}
	config := rest.CopyConfig(testkube.Config(t))
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { counted.next = next; return counted })
	options := DefaultHub()
	options.Cluster, options.Namespace, options.Logger = config, "again", slog.New(slog.NewTextHandler(io.Discard, nil))
	install := func() []string {
		t.Helper()
		counted.seen = nil
		if err := installHub(t.Context(), options); err != nil {
			t.Fatal(err)
		}
		return counted.seen
	}
	if first := install(); len(first) == 0 {
		t.Fatal("nothing was installed")
	}
	if again := install(); len(again) > 0 {
		t.Errorf("the second start wrote %q", again)
	}

	i, err := newInstaller(config)
	if err != nil {
		t.Fatal(err)
	}
	key := client.ObjectKey{Name: "buildrules.fairlead.dev"}
	var live apiextensionsv1.CustomResourceDefinition
	if err := i.client.Get(t.Context(), key, &live); err != nil {
		t.Fatal(err)
	}
	names := live.Spec.Names.ShortNames
	before := live.DeepCopy()
	live.Spec.Names.ShortNames = append(slices.Clone(names), "mine")
	if err := i.client.Patch(t.Context(), &live, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if mended := install(); !slices.ContainsFunc(mended, func(w string) bool { return strings.HasSuffix(w, "/"+key.Name) }) {
		t.Errorf("a changed definition was left so; written was %q", mended)
	}
	if again := install(); len(again) > 0 {
		t.Errorf("the next start wrote %q", again)
	}
}
