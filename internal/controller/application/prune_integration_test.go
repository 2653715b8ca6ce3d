//go:build integration

package application

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// mistake is a way in which a program like this could prune what it must not.
type mistake struct {
	name string
	// happens makes it; the application "a" is synced, with the ConfigMaps a and b.
	happens func(*fleet)
	// told matches a condition, or the message of an operation, that says so.
	told string
	// mend takes it back; nil reverts the last commit.
	mend func(*fleet)
	// host is how the Git host answers, instead of happens and mend.
	host http.HandlerFunc
	// empty means that Git, without any error, has no objects: only automation must not prune then; a person may.
	empty bool
}

func files(files map[string]string) func(*fleet) { return func(f *fleet) { f.commit(files) } }

// rendering, repository and settings.
var mistakes = []mistake{
	{name: "invalid YAML in one file of many", happens: files(map[string]string{"a/b.yaml": "kind: [\n"}), told: "b.yaml"},
	{name: "a manifest without a name", happens: files(map[string]string{"a/b.yaml": "apiVersion: v1\nkind: ConfigMap\n"}), told: "name"},
	{name: "a kustomization that fails", happens: files(map[string]string{"a/kustomization.yaml": "resources: [missing.yaml]\n"}), told: "missing.yaml"},
	{name: "a kustomization without resources", happens: files(map[string]string{"a/kustomization.yaml": "resources: []\n"}), told: "wipe out all resources|empty", empty: true},
	{name: "a chart that fails", happens: files(map[string]string{"a/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "a/templates/x.yaml": "{{ fail \"no\" }}"}), told: "no"},
	{name: "a chart with everything disabled", happens: files(map[string]string{"a/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "a/templates/x.yaml": "{{ if .Values.on }}\nkind: X\n{{ end }}"}), told: "wipe out all resources", empty: true},
	{name: "no manifests left in the folder", happens: files(map[string]string{"a/a.yaml": "", "a/b.yaml": "", "a/README": "x"}), told: "wipe out all resources", empty: true},
	{name: "a file of comments only", happens: files(map[string]string{"a/a.yaml": "# none\n", "a/b.yaml": "---\n---\n"}), told: "wipe out all resources", empty: true},
	{name: "the path vanished", happens: files(map[string]string{"a/a.yaml": "", "a/b.yaml": "", "z/x.yaml": "x: y\n"}), told: "a.*(does not exist|not found|no such)"},
	{name: "the path became a file", happens: func(f *fleet) {
		f.git(f.work, "rm", "--quiet", "-r", "a")
		f.commit(map[string]string{"a": "x"})
	}, told: "Failed to load target state.*a"},
	{name: "a symbolic link that leads nowhere", happens: link("missing"), told: "b.yaml|missing"},
	{name: "a symbolic link out of the repository", happens: link("../../../../etc/hostname"), told: "b.yaml|symbolic|outside"},
	{name: "a file for parameters that is invalid", happens: files(map[string]string{"a/.argocd-source.yaml": "directory: [\n"}), told: "argocd-source"},
	{name: "the branch was deleted", happens: func(f *fleet) { f.bare("update-ref", "-d", "refs/heads/main") }, told: "main", mend: pushAgain},
	{name: "the repository was emptied", happens: emptied, told: "main|empty", mend: pushAgain},
	{name: "everything was force-pushed away", happens: func(f *fleet) {
		tree := f.git(f.work, "hash-object", "-t", "tree", "-w", "/dev/null")
		f.git(f.work, "push", "--quiet", "--force", "origin", f.git(f.work, "commit-tree", "-m", "nothing", tree)+":refs/heads/main")
		f.push()
	}, told: "a.*(does not exist|not found|no such)", mend: pushAgain},
	{name: "the repository is gone", happens: func(f *fleet) { move(f, "", ".away"); f.push() }, told: "Failed to load target state", mend: func(f *fleet) { move(f, ".away", ""); f.push() }},
	{name: "the Git host hangs", host: hang, told: "Failed to load target state"},
	{name: "the Git host resets connections", host: hangUp, told: "Failed to load target state"},
	{name: "the Git host breaks off", host: half, told: "Failed to load target state"},
	{name: "the Git host answers with a login page", host: loginPage, told: "Failed to load target state"},
	{name: "the Git host answers with nothing", host: func(http.ResponseWriter, *http.Request) {}, told: "Failed to load target state"},
	{name: "the Git host answers with errors", host: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, told: "Failed to load target state"},
	{name: "the Git host no longer knows the repository", host: http.NotFound, told: "Failed to load target state"},
	{name: "the disk is full", happens: diskFull, told: "Failed to load target state", mend: func(f *fleet) { f.remove("filler"); f.push() }},
	{name: "another repository, which is not there", happens: repository("file:///nowhere"), told: "nowhere", mend: repository("")},
	{name: "another revision, which is not there", happens: revision("v7"), told: "v7", mend: revision("main")},
	{name: "the project no longer lets the kind", happens: func(f *fleet) {
		f.project(func(p *v1alpha1.AppProject) {
			p.Spec.NamespaceResourceBlacklist = []metav1.GroupKind{{Kind: "ConfigMap"}}
		})
		f.commit(map[string]string{"a/b.yaml": ""})
	}, told: "not permitted", mend: func(f *fleet) {
		f.project(func(p *v1alpha1.AppProject) { p.Spec.NamespaceResourceBlacklist = nil })
		f.revert()
	}},
	{name: "the project no longer lets the destination", happens: destinations("elsewhere"), told: "destination", mend: destinations("*")},
	{name: "the project is gone", happens: func(f *fleet) { f.patch("a", func(app *v1alpha1.Application) { app.Spec.Project = "none" }) }, told: "none",
		mend: func(f *fleet) { f.patch("a", func(app *v1alpha1.Application) { app.Spec.Project = "default" }) }},
	{name: "the destination is gone", happens: server("https://nowhere"), told: "nowhere", mend: server("https://kubernetes.default.svc")},
	{name: "the kind may no longer be listed", happens: wireFault(when(both(list, everywhere), answer(http.StatusForbidden, "Forbidden"))), told: "configmaps|ConfigMap", mend: wireMended},
	{name: "the list of a kind breaks off", happens: wireFault(when(both(list, everywhere), torn)), told: `reading configmaps in cluster "in-cluster".*breaks off|connection reset`, mend: wireMended},
	{name: "a kind is unavailable", happens: wireFault(when(everywhere, answer(http.StatusServiceUnavailable, "ServiceUnavailable"))), told: `reading configmaps in cluster "in-cluster"`, mend: wireMended},
	{name: "the cluster answers with errors", happens: wireFault(when(everywhere, answer(http.StatusInternalServerError, "InternalError"))), told: "ConfigMap|in-cluster", mend: wireMended},
	{name: "a kind that the cluster doesn't have", happens: files(map[string]string{"a/b.yaml": "apiVersion: none.example.com/v1\nkind: Thing\nmetadata: {name: t}\n"}), told: "Thing|none.example.com"},
}

func link(to string) func(*fleet) {
	return func(f *fleet) {
		path := filepath.Join(f.work, "a", "b.yaml")
		if err := errors.Join(os.Remove(path), os.Symlink(to, path)); err != nil {
			f.t.Fatal(err)
		}
		f.commit(nil)
	}
}

func repository(url string) func(*fleet) {
	return func(f *fleet) {
		f.patch("a", func(app *v1alpha1.Application) {
			if app.Spec.Source.RepoURL = url; url == "" {
				app.Spec.Source.RepoURL = f.url
			}
		})
	}
}

func revision(revision string) func(*fleet) {
	return func(f *fleet) {
		f.patch("a", func(app *v1alpha1.Application) { app.Spec.Source.TargetRevision = revision })
	}
}

func server(url string) func(*fleet) {
	return func(f *fleet) {
		f.patch("a", func(app *v1alpha1.Application) { app.Spec.Destination.Server = url })
	}
}

func destinations(namespace string) func(*fleet) {
	return func(f *fleet) {
		f.project(func(p *v1alpha1.AppProject) {
			p.Spec.Destinations = []v1alpha1.ApplicationDestination{{Server: "*", Namespace: namespace}}
		})
	}
}

func (f *fleet) project(change func(*v1alpha1.AppProject)) {
	f.t.Helper()
	p := &v1alpha1.AppProject{}
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.hub, Name: "default"}, p); err != nil {
		f.t.Fatal(err)
	}
	before := p.DeepCopy()
	change(p)
	if err := f.client.Patch(f.t.Context(), p, client.MergeFrom(before)); err != nil {
		f.t.Fatal(err)
	}
}

// bare runs git in the repository itself, and tells the hub.
func (f *fleet) bare(args ...string) {
	f.t.Helper()
	f.git(strings.TrimPrefix(f.url, "file://"), args...)
	f.push()
}

func (f *fleet) push() {
	f.bus.PublishPush(event.Push{Repository: event.NormalizeURL(f.url), Ref: "refs/heads/main"})
}

func move(f *fleet, from, to string) {
	host := strings.TrimPrefix(f.url, "file://")
	if err := os.Rename(host+from, host+to); err != nil {
		f.t.Fatal(err)
	}
}

func emptied(f *fleet) {
	move(f, "", ".away")
	f.git("", "init", "--quiet", "--bare", "--initial-branch=main", strings.TrimPrefix(f.url, "file://"))
	f.push()
}

func pushAgain(f *fleet) {
	f.git(f.work, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
	f.push()
}

func (f *fleet) revert() {
	f.t.Helper()
	f.git(f.work, "revert", "--no-edit", "HEAD")
	f.git(f.work, "push", "--quiet", "origin", "HEAD:main")
	f.push()
}

// wireFault is there when the hub begins anew, with nothing in memory.
func wireFault(fault fault) func(*fleet) {
	return func(f *fleet) {
		f.stop()
		f.wire.breakBy(fault)
		f.start()
	}
}

// everywhere are requests for the ConfigMaps of the whole cluster; for its own the hub asks in its namespace.
func everywhere(request *http.Request) bool { return request.URL.Path == "/api/v1/configmaps" }

func wireMended(f *fleet) { f.wire.breakBy(nil) }

// uids are those of the objects in the target namespace that tests make.
func (f *fleet) uids() map[string]types.UID {
	f.t.Helper()
	all := map[string]types.UID{}
	var list corev1.ConfigMapList
	if err := f.client.List(f.t.Context(), &list, client.InNamespace(f.target)); err != nil {
		f.t.Fatal(err)
	}
	for _, cm := range list.Items {
		if cm.Name != "kube-root-ca.crt" {
			all[cm.Name] = cm.UID
		}
	}
	return all
}

// deletions are the requests to delete something in the target namespace since this was last asked.
func (f *fleet) deletions() string {
	return tally(f.wire.take(), func(a asked) bool { return a.method == http.MethodDelete })
}

func (f *fleet) untilTold(pattern string) {
	f.t.Helper()
	expression := regexp.MustCompile(pattern)
	f.until("a condition or the operation says "+pattern, func(context.Context) bool {
		if state := f.get("a").Status.OperationState; state != nil && state.Phase != v1alpha1.OperationSucceeded && expression.MatchString(state.Message) {
			return true
		}
		return slices.ContainsFunc(f.get("a").Status.Conditions, func(c v1alpha1.ApplicationCondition) bool { return expression.MatchString(c.Message) })
	})
}

func twoConfigMaps() map[string]string {
	return map[string]string{"a/a.yaml": configMap("a", "one"), "a/b.yaml": configMap("b", "one")}
}

// TestMistakesDontPrune has an application that may prune by itself, and even may become empty; then a mistake happens. It
// is told, before and after a restart of the hub, nobody's sync prunes, and when it is mended the same objects are there.
func TestMistakesDontPrune(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			f.gitTimeout = 3 * time.Second
			if m.host != nil {
				f.overHTTP()
				m.happens, m.mend = f.host.fail(m.host), (*fleet).hostMended
			}
			first := f.commit(twoConfigMaps())
			f.start()
			f.app("a", "a", automated, func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Automated.AllowEmpty = new(!m.empty) })
			f.untilSynced("a", first)
			before := f.uids()
			if len(before) != 2 {
				t.Fatalf("objects %v", before)
			}
			f.deletions()

			m.happens(f)
			f.untilTold(m.told)
			f.stop()
			f.start()
			f.patch("a", func(app *v1alpha1.Application) { app.Status.Conditions = nil })
			f.untilTold(m.told)
			if !m.empty {
				f.sync("a", v1alpha1.SyncOperation{Prune: true})
				f.until("a person's sync has ended", func(context.Context) bool {
					app := f.get("a")
					return app.Operation == nil && app.Status.OperationState.Phase.Completed()
				})
			}
			if after, deleted := f.uids(), f.deletions(); !maps.Equal(before, after) || deleted != "" {
				t.Errorf("objects %v, then %v; deletions: %s", before, after, deleted)
			}

			if m.mend == nil {
				m.mend = (*fleet).revert
			}
			m.mend(f)
			f.commit(map[string]string{"a/a.yaml": configMap("a", "two")})
			f.until("it recovers", func(context.Context) bool {
				return f.value("a", "key") == "two" && f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && len(f.get("a").Status.Conditions) == 0
			})
			if after, deleted := f.uids(), f.deletions(); !maps.Equal(before, after) || deleted != "" {
				t.Errorf("objects %v, after it was mended %v; deletions: %s", before, after, deleted)
			}
		})
	}
}
