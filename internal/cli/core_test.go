package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/protocol"
)

// With --core, or after 'login --core', commands speak to an API of their own process.
func TestCommandsWithoutAHub(t *testing.T) {
	h := appHub(t)
	kubeconfig := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: "https://here"}}],
		users: [{name: u, user: {token: t}}], contexts: [{name: c, context: {cluster: c, user: u}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	always(h, protocol.Version, &protocol.VersionMessage{Version: "v9"})
	began, ended := 0, 0
	core := func(_ context.Context, cluster *rest.Config, namespace, _ string) (string, string, func(), error) {
		if cluster.Host != "https://here" || namespace != "argocd" {
			t.Errorf("the cluster is %s, the namespace %s", cluster.Host, namespace)
		}
		began++
		return h.url, "token", func() { ended++ }, nil
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := NewCommand(IOStreams{In: strings.NewReader(""), Out: &out, Err: &out}, "v0", core)
		cmd.SetArgs(append([]string{"--config", filepath.Join(h.dir, "config")}, args...))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	for _, c := range []struct{ command, want string }{
		{"app list -o name --core", "argocd/shop"}, {"login --core", "Context 'kubernetes' updated"}, {"app list -o name", "argocd/shop"},
		{"version --core --kubeconfig " + kubeconfig + " --context c --user u -n argocd", "argocd-server: v9"},
	} {
		if got, err := run(strings.Fields(c.command)...); err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v\n%s", c.command, err, got)
		}
	}
	if _, err := run("version", "--core", "--context", "none"); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a context that there isn't: %v", err)
	}
	if began != 3 || ended != 3 {
		t.Errorf("%d APIs began, %d ended", began, ended)
	}
	h.fails("this program can't work without a hub", ExitError, "app", "list", "--core")
	h.fails("ports are not forwarded here", ExitUsage, "app", "list", "--port-forward")
}
