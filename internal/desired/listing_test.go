package desired

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
)

const someDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "registry.example/web:1"}]}}}
`

func TestLookingThroughARepository(t *testing.T) {
	w := newWorld(t)
	files := below("charts/web", chart("web", "1.0.0"))
	files["charts/web/values.yaml"] = "image: {tag: one, args: [a, b]}\nreplicas: 3\nempty: null\n"
	files["charts/web/values-prod.yml"] = "image: {tag: two}\n"
	files["charts/web/envs/values.yaml"] = "{}"
	files["kustom/kustomization.yaml"] = "resources: [d.yaml]\n"
	files["kustom/d.yaml"] = someDeployment
	files["plain/d.yaml"] = someDeployment
	files["shared/common.yaml"] = "replicas: 7\n"
	files["plain/.argocd-source-shop.yaml"] = "directory: {recurse: true}\n"
	w.commit(files)
	ctx := context.Background()
	apps, err := w.source.Apps(ctx, "default", w.gitSource(""))
	if got := fmt.Sprint(apps); err != nil || got != "map[charts/web:Helm kustom:Kustomize]" {
		t.Errorf("got %s, %v", got, err)
	}
	details := func(path string, change func(*v1alpha1.ApplicationSource), others ...v1alpha1.ApplicationSource) string {
		t.Helper()
		source := w.gitSource(path)
		if change != nil {
			change(&source)
		}
		got, err := w.source.Details(ctx, "default", "shop", source, others)
		if err != nil {
			return "error: " + err.Error()
		}
		text := got.Type
		if got.Helm != nil {
			text += fmt.Sprintf(" %v %q", got.Helm.ValueFiles, got.Helm.Values[:6])
			for _, p := range got.Helm.Parameters {
				text += " " + p.Name + "=" + p.Value
			}
			for _, p := range got.Helm.FileParameters {
				text += " " + p.Name + "@" + p.Path
			}
		}
		if got.Kustomize != nil {
			text += fmt.Sprint(" ", got.Kustomize.Images)
		}
		return text
	}
	const files3 = "[envs/values.yaml values-prod.yml values.yaml]"
	for _, c := range []struct{ got, want string }{
		{details("plain", nil), "Directory"},
		{details("kustom", nil), "Kustomize [registry.example/web:1]"},
		{details("charts/web", nil), "Helm " + files3 + ` "image:" empty=<nil> image.args[0]=a image.args[1]=b image.tag=one replicas=3`},
		{
			details("charts/web", func(s *v1alpha1.ApplicationSource) {
				s.Helm = &v1alpha1.ApplicationSourceHelm{
					ValueFiles:     []string{"values-prod.yml", "missing.yaml", "$values/shared/common.yaml"},
					FileParameters: []v1alpha1.HelmFileParameter{{Name: "script", Path: "run.sh"}},
				}
			}, func() v1alpha1.ApplicationSource { s := w.gitSource(""); s.Ref = "values"; return s }()),
			"Helm " + files3 + ` "image:" empty=<nil> image.args[0]=a image.args[1]=b image.tag=two replicas=7 script@run.sh`,
		},
		{details("charts/web", func(s *v1alpha1.ApplicationSource) {
			s.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"../../../etc/passwd"}}
		}), `error: value file "../../../etc/passwd": leads out of the repository`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
	if _, err := w.source.Details(ctx, "default", "shop", w.gitSource("nowhere"), nil); !errors.Is(err, render.ErrNoFolder) || !strings.HasPrefix(err.Error(), "nowhere: app path does not exist") {
		t.Errorf("got %v", err)
	}
	missing := w.gitSource("plain")
	missing.TargetRevision = "no-such-branch"
	if _, err := w.source.Details(ctx, "default", "shop", missing, nil); !errors.Is(err, git.ErrUnknownRevision) {
		t.Errorf("got %v", err)
	}
}
