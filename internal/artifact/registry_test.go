package artifact

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ociRegistry is a real registry, which may want a password.
type ociRegistry struct {
	host     string
	asked    atomic.Int64
	password string
}

func serveRegistry(t testing.TB, password string) *ociRegistry {
	r := &ociRegistry{password: password}
	handler := registry.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodGet || request.Method == http.MethodHead {
			r.asked.Add(1)
		}
		if _, given, _ := request.BasicAuth(); password != "" && given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.host = strings.TrimPrefix(server.URL, "http://")
	return r
}

func (r *ociRegistry) push(t testing.TB, reference string, annotations map[string]string, layers ...v1.Layer) string {
	t.Helper()
	ref, err := name.ParseReference(r.host+"/"+reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		t.Fatal(err)
	}
	if annotations != nil {
		image = mutate.Annotations(image, annotations).(v1.Image)
	}
	if err := remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: "u", Password: r.password})); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func layerOf(content []byte, mediaType string) v1.Layer {
	return static.NewLayer(content, types.MediaType(mediaType))
}

func TestChartsInARegistry(t *testing.T) {
	r := serveRegistry(t, "")
	for _, version := range []string{"1.0.0", "1.2.0", "1.2.0+build.7", "2.0.0"} {
		r.push(t, "team/charts/web:"+strings.ReplaceAll(version, "+", "_"), nil, layerOf([]byte("signature"), "application/vnd.cncf.helm.chart.provenance.v1.prov"),
			layerOf(chartOf(t, "web", version), ChartLayer))
	}
	r.push(t, "team/charts/image:1.0.0", nil, layerOf([]byte("x"), "application/vnd.oci.image.layer.v1.tar"))
	for _, prefix := range []string{"", "oci://"} {
		client := newClient(t, nil)
		origin := Origin{Kind: ChartInRegistry, Repository: Repository{URL: prefix + r.host + "/team/charts"}, Chart: "web"}
		for revision, want := range map[string]string{
			"1.0.0": "1.0.0", "^1.0": "1.2.0", "*": "2.0.0", "1.2.0+build.7": "1.2.0+build.7", "<1.2": "1.0.0",
			"3.0.0": "error: reading the manifest 3.0.0 of image",
		} {
			if got := versionIn(t, client, origin, revision); got != want && (!strings.HasPrefix(want, "error") || !strings.HasPrefix(got, want)) {
				t.Errorf("%s%q is %s, want %s", prefix, revision, got, want)
			}
		}
		origin.Chart = "image"
		if got := versionIn(t, client, origin, "1.0.0"); !strings.Contains(got, "is no Helm chart") {
			t.Errorf("an image that is no chart: %s", got)
		}
	}
}

func TestExactChartVersionAsksOnce(t *testing.T) {
	r := serveRegistry(t, "")
	r.push(t, "charts/web:1.0.0", nil, layerOf(chartOf(t, "web", "1.0.0"), ChartLayer))
	client := newClient(t, nil)
	origin := Origin{Kind: ChartInRegistry, Repository: Repository{URL: r.host + "/charts"}, Chart: "web"}
	versionIn(t, client, origin, "1.0.0")
	before := r.asked.Load()
	for range 5 {
		if _, err := client.State(context.Background(), origin, "1.0.0"); err != nil {
			t.Error(err)
		}
		if got := versionIn(t, client, origin, "1.0.0"); got != "1.0.0" {
			t.Error(got)
		}
	}
	if after := r.asked.Load(); after != before {
		t.Errorf("the registry was asked %d times more", after-before)
	}
}

func TestRegistryWithAPassword(t *testing.T) {
	r := serveRegistry(t, "secret")
	r.push(t, "charts/web:1.0.0", nil, layerOf(chartOf(t, "web", "1.0.0"), ChartLayer))
	origin := Origin{Kind: ChartInRegistry, Repository: Repository{URL: r.host + "/charts"}, Chart: "web"}
	if got := versionIn(t, newClient(t, nil), origin, "1.x"); !strings.Contains(got, "refused the credentials (401)") {
		t.Errorf("without a password: %s", got)
	}
	origin.Repository.Username, origin.Repository.Password = "u", "secret"
	if got := versionIn(t, newClient(t, nil), origin, "1.x"); got != "1.0.0" {
		t.Errorf("with the password: %s", got)
	}
}

func TestArtifacts(t *testing.T) {
	const tarGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
	r := serveRegistry(t, "")
	manifests := func(version string) []byte {
		return pack(t, map[string]string{"values.yaml": "is: " + version, "app/cm.yaml": "kind: ConfigMap"})
	}
	old := r.push(t, "team/deploy:1.0.0", map[string]string{"org.opencontainers.image.authors": "somebody"}, layerOf(manifests("1.0.0"), tarGzip))
	r.push(t, "team/deploy:1.1.0", nil, layerOf(manifests("1.1.0"), tarGzip))
	r.push(t, "team/deploy:latest", nil, layerOf(manifests("first"), tarGzip))
	r.push(t, "team/deploy:chart", nil, layerOf(chartOf(t, "web", "7.0.0"), ChartLayer))
	r.push(t, "team/deploy:two", nil, layerOf(manifests("1"), tarGzip), layerOf(manifests("2"), tarGzip))
	r.push(t, "team/deploy:zip", nil, layerOf([]byte("PK"), "application/zip"))
	client := newClient(t, nil)
	origin := Origin{Kind: Image, Repository: Repository{URL: "oci://" + r.host + "/team/deploy"}}
	for revision, want := range map[string]string{
		"1.0.0": "1.0.0", "1.x": "1.1.0", "latest": "first", old: "1.0.0", "chart": "7.0.0",
		"two": "error: reading " + r.host + "/team/deploy at sha256:", "gone": "error: looking up the tag gone of image",
	} {
		if got := versionIn(t, client, origin, revision); got != want && (!strings.HasPrefix(want, "error") || !strings.HasPrefix(got, want)) {
			t.Errorf("%q is %s, want %s", revision, got, want)
		}
	}
	if got := versionIn(t, client, origin, "two"); !strings.Contains(got, "expected only a single oci layer, got 2") {
		t.Error(got)
	}
	if got := versionIn(t, client, origin, "zip"); !strings.Contains(got, "oci layer media type application/zip is not in the list of allowed media types") {
		t.Error(got)
	}
	// The list of media types is the operator's.
	digest, err := client.Resolve(context.Background(), origin, "latest")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t, nil).Tree(context.Background(), origin, digest, TreeOptions{LayerTypes: []string{"application/zip"}}); err == nil {
		t.Error("a layer of a type that isn't allowed was taken")
	}
	tree, err := client.Tree(context.Background(), origin, digest, TreeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(tree, "app/cm.yaml"); err != nil {
		t.Error(err)
	}
	// A tag that moves is seen at the next look.
	moved := r.push(t, "team/deploy:latest", nil, layerOf(manifests("second"), tarGzip))
	if state, err := client.State(context.Background(), origin, "latest"); err != nil || state != moved {
		t.Errorf("the tag is at %s, %v", state, err)
	}
	if got := versionIn(t, client, origin, "latest"); got != "second" {
		t.Error(got)
	}
	manifest, err := client.Manifest(context.Background(), origin, old)
	if err != nil || manifest.Annotations["org.opencontainers.image.authors"] != "somebody" {
		t.Errorf("%+v, %v", manifest, err)
	}
}
