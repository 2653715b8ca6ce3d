package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

const demoProject = `
metadata: {name: demo}
spec:
  description: the demo
  sourceRepos: ["*"]
  destinations: [{server: "https://one", namespace: a}, {server: "https://two", namespace: b}]
  clusterResourceWhitelist: [{group: "", kind: Namespace}]
  roles: [{name: ci, description: robots, policies: ["p, proj:demo:ci, applications, sync, demo/*, allow"], groups: [robots]}]
  syncWindows: [{kind: allow, schedule: "0 8 * * *", duration: 1h, applications: ["*"], timeZone: UTC}]
status: {jwtTokensByRole: {ci: {items: [{id: one, iat: 1767225600}]}}}
`

// projHub is a hub with project demo; each change begins from it.
func projHub(t *testing.T) *hub {
	t.Helper()
	h := newHub(t)
	project := func() *v1alpha1.AppProject {
		p := &v1alpha1.AppProject{}
		if err := yaml.UnmarshalStrict([]byte(demoProject), p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	on(h, protocol.ProjectGet, func(*protocol.ProjectQuery) (*v1alpha1.AppProject, error) { return project(), nil })
	always(h, protocol.ProjectList, &v1alpha1.AppProjectList{Items: []v1alpha1.AppProject{*project()}})
	on(h, protocol.ProjectUpdate, func(q *protocol.ProjectUpdateRequest) (*v1alpha1.AppProject, error) { return q.Project, nil })
	on(h, protocol.ProjectCreate, func(q *protocol.ProjectCreateRequest) (*v1alpha1.AppProject, error) { return q.Project, nil })
	always(h, protocol.ProjectSyncWindows, &protocol.SyncWindowsResponse{Windows: project().Spec.SyncWindows})
	return h
}

func TestProjShow(t *testing.T) {
	h := projHub(t)
	h.prints(`
		NAME  DESCRIPTION  DESTINATIONS    SOURCES  CLUSTER-RESOURCE-WHITELIST  NAMESPACE-RESOURCE-BLACKLIST  SOURCE-INTEGRITY  ORPHANED-RESOURCES  DESTINATION-SERVICE-ACCOUNTS
		demo  the demo     2 destinations  *        /Namespace                  <none>                        <none>            disabled            <none>
	`, "proj", "list")
	h.prints(`
		Name:                        demo
		Description:                 the demo
		Destinations:                https://one,a
		                             https://two,b
		Repositories:                *
		Source Namespaces:           <none>
		Scoped Repositories:         <none>
		Allowed Cluster Resources:   /Namespace
		Scoped Clusters:             <none>
		Denied Namespaced Resources: <none>
		Signature keys:              <none>
		Orphaned Resources:          disabled
	`, "proj", "get", "demo")
	h.prints(`
		ID  STATUS  KIND   SCHEDULE   DURATION  APPLICATIONS  NAMESPACES  CLUSTERS  MANUALSYNC  SYNCOVERRUN  TIMEZONE  USEANDOPERATOR
		0   Active  allow  0 8 * * *  1h        *             -           -         Disabled    Disabled     UTC       Disabled
	`, "proj", "windows", "list", "demo")
	h.prints("ROLE-NAME  DESCRIPTION\nci         robots", "proj", "role", "list", "demo")
	h.prints("ID   ISSUED AT   EXPIRES AT\none  1767225600  0", "proj", "role", "list-tokens", "demo", "ci", "-u")
}

// Each verb changes what it says, and nothing else.
func TestProjChanges(t *testing.T) {
	h := projHub(t)
	for line, want := range map[string]string{
		"add-destination demo https://three c":                                       `{"server":"https://three","namespace":"c"}`,
		"add-destination demo three c --name":                                        `{"namespace":"c","name":"three"}`,
		"remove-destination demo https://one a":                                      `"destinations":[{"server":"https://two","namespace":"b"}]`,
		"add-source demo https://git":                                                `"sourceRepos":["*","https://git"]`,
		"remove-source demo *":                                                       `"spec":{"destinations"`,
		"add-source-namespace demo team":                                             `"sourceNamespaces":["team"]`,
		"add-orphaned-ignore demo apps Deployment --name web":                        `"orphanedResources":{"ignore":[{"group":"apps","kind":"Deployment","name":"web"}]}`,
		"add-signature-key demo 4aee18f83afdeb23":                                    `"signatureKeys":[{"keyID":"4AEE18F83AFDEB23"}]`,
		"add-destination-service-account demo https://one a bot":                     `"destinationServiceAccounts":[{"server":"https://one","namespace":"a","defaultServiceAccount":"bot"}]`,
		"allow-cluster-resource demo apps Thing":                                     `"clusterResourceWhitelist":[{"group":"","kind":"Namespace"},{"group":"apps","kind":"Thing"}]`,
		"deny-cluster-resource demo apps Thing --list deny":                          `"clusterResourceBlacklist":[{"group":"apps","kind":"Thing"}]`,
		"deny-namespace-resource demo apps Thing":                                    `"namespaceResourceBlacklist":[{"group":"apps","kind":"Thing"}]`,
		"allow-namespace-resource demo apps Thing --list allow":                      `"namespaceResourceWhitelist":[{"group":"apps","kind":"Thing"}]`,
		"set demo -d https://x,y --orphaned-resources-warn":                          `"orphanedResources":{"warn":true}`,
		"role create demo new":                                                       `{"name":"new"}`,
		"role add-policy demo ci -a get -o *":                                        `"p, proj:demo:ci, applications, get, demo/*, allow"`,
		"role remove-policy demo ci -a sync -o *":                                    `"roles":[{"name":"ci","description":"robots","groups":["robots"]}]`,
		"role add-group demo ci people":                                              `"groups":["robots","people"]`,
		"windows add demo -k deny --schedule 1 --duration 2h":                        `{"kind":"deny","schedule":"1","duration":"2h","timeZone":"UTC"}`,
		"windows update demo 0 --duration 2h":                                        `"duration":"2h","applications":["*"]`,
		"windows enable-manual-sync demo 0":                                          `"manualSync":true`,
		"windows delete demo 0":                                                      `"kind":"Namespace"}]},"status"`,
		"remove-source demo * --prompts-enabled=false --header a:b --logformat text": `"spec":{"destinations"`,
	} {
		if out, err := h.fairlead("", append([]string{"proj"}, strings.Fields(line)...)...); err != nil {
			t.Errorf("proj %s: %v\n%s", line, err, out)
		} else if got := h.last("ProjectService/Update"); !strings.Contains(got, want) {
			t.Errorf("proj %s writes\n%s\nwant in it\n%s", line, got, want)
		}
	}
	for line, says := range map[string]string{
		"add-destination demo https://one a":       "Specified destination is already defined in project",
		"remove-destination demo https://three c":  "Specified destination does not exist in project",
		"remove-orphaned-ignore demo a B":          "Specified resource does not exist in the orphaned ignore list of project",
		"remove-signature-key demo 4aee18f83afdeb": "is not a valid GnuPG key ID",
		"set demo":                            "Please set at least one option to update",
		"create new -d nonsense":              "Expected destination of the form: server,namespace",
		"role add-policy demo ci -r accounts": "not about \"accounts\"",
	} {
		h.fails(says, 1, append([]string{"proj"}, strings.Fields(line)...)...)
	}
	h.fails("window with id '7' not found", ExitError, "proj", "windows", "delete", "demo", "7")
	h.prints("Source repository '*' already allowed in project", "proj", "add-source", "demo", "*")
}

func TestPromptsCanCancel(t *testing.T) {
	h := projHub(t)
	got, err := h.fairlead("what?\nn\n", "proj", "role", "delete", "demo", "ci", "--prompts-enabled")
	if err != nil || !strings.HasSuffix(trimmed(got), "The command to delete role 'ci' was cancelled.") {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestRepo(t *testing.T) {
	h := newHub(t)
	always(h, protocol.RepositoryGetList, &protocol.RepositoryList{Items: []*protocol.Repository{
		{Repo: "https://git.example/a", Type: "git", InheritedCreds: true, ConnectionState: protocol.ConnectionState{Status: "Successful"}},
		{Repo: "https://charts.example", Type: "helm", Name: "charts", Username: "u", Insecure: true, Project: "demo"},
	}})
	h.prints(`
		TYPE  NAME    REPO                    INSECURE  OCI    LFS    CREDS      STATUS      MESSAGE  PROJECT
		git           https://git.example/a   false     false  false  inherited  Successful
		helm  charts  https://charts.example  true      false  false  true                            demo
	`, "repo", "list")
	h.prints("https://git.example/a\nhttps://charts.example", "repo", "list", "-o", "url", "--refresh", "hard")
	h.asks("ListRepositories", `{"forceRefresh":true}`)
	always(h, protocol.RepositoryValidate, &protocol.RepoResponse{})
	on(h, protocol.RepositoryCreate, func(q *protocol.RepoCreateRequest) (*protocol.Repository, error) { return q.Repo, nil })
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("KEY"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.prints("Repository 'git@git.example:a/b' added", "repo", "add", "git@git.example:a/b", "--ssh-private-key-path", key, "--insecure-ignore-host-key", "--upsert")
	h.asks("CreateRepository", `{"repo":{"repo":"git@git.example:a/b","sshPrivateKey":"KEY","connectionState":{"status":"","message":"","attemptedAt":null},"insecureIgnoreHostKey":true,"type":"git"},"upsert":true}`)
	h.asks("ValidateAccess", `{"repo":"git@git.example:a/b","sshPrivateKey":"KEY","insecure":true,"type":"git"}`)
	for line, says := range map[string]string{
		"add https://git.example/a --ssh-private-key-path " + key:                       "--ssh-private-key-path is only supported for SSH repositories.",
		"add https://git.example/a --tls-client-cert-path x":                            "must be specified together",
		"add https://charts.example --type helm":                                        "Must specify --name for repos of type 'helm'",
		"add https://git.example --bearer-token a --username u --password b":            "only --bearer-token or --password is allowed, not both",
		"add git@git.example:a/b --tls-client-cert-path x --tls-client-cert-key-path y": "only supported for HTTPS repositories",
	} {
		h.fails(says, ExitError, append([]string{"repo"}, strings.Fields(line)...)...)
	}
	on(h, protocol.RepoCredsCreate, func(q *protocol.RepoCredsCreateRequest) (*protocol.RepoCreds, error) { return q.Creds, nil })
	got, err := h.fairlead("secret\n", "repocreds", "add", "https://git.example/", "--username", "u", "--password-stdin")
	if err != nil || trimmed(got) != "Repository credentials for 'https://git.example/' added" {
		t.Errorf("%v\n%s", err, got)
	}
	h.asks("CreateRepositoryCredentials", `{"creds":{"url":"https://git.example/","username":"u","password":"secret","type":"git"}}`)
}

func TestCluster(t *testing.T) {
	h := newHub(t)
	cluster := protocol.Cluster{Server: "https://one", Name: "one", Namespaces: []string{"a", "b"}, Info: protocol.ClusterInfo{
		ServerVersion: "1.34", ConnectionState: protocol.ConnectionState{Status: "Successful"},
	}}
	always(h, protocol.ClusterGetList, &protocol.ClusterList{Items: []protocol.Cluster{cluster}})
	h.prints(`
		SERVER                      NAME  VERSION  STATUS      MESSAGE  PROJECT
		https://one (2 namespaces)  one   1.34     Successful
	`, "cluster", "list")
	always(h, protocol.ClusterGet, &cluster)
	h.prints("https://one", "cluster", "get", "one", "-o", "server")
	h.asks("ClusterService/Get", `{"name":"one"}`)
	on(h, protocol.ClusterUpdate, func(q *protocol.ClusterUpdateRequest) (*protocol.Cluster, error) { return q.Cluster, nil })
	h.prints("Cluster 'one' updated.", "cluster", "set", "one", "--name", "uno", "--label", "a=b")
	if got := h.last("ClusterService/Update"); !strings.HasSuffix(got, `"labels":{"a":"b"}},"updatedFields":["name","labels"],"id":{"type":"name","value":"one"}}`) {
		t.Errorf("the update is %s", got)
	}
	h.prints("Specify the cluster field to be updated.", "cluster", "set", "one")
	kubeconfig := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: prod, clusters: [{name: c, cluster: {server: "https://prod"}}],
		users: [{name: u, user: {token: t}}], contexts: [{name: prod, context: {cluster: c, user: u}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := h.fairlead("", "cluster", "add", "--kubeconfig", kubeconfig)
	if want := "Choose a context name from:\nCURRENT  NAME  CLUSTER  SERVER\n*        prod  c        https://prod"; ExitCode(err) != ExitUsage || trimmed(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	on(h, protocol.ClusterCreate, func(q *protocol.ClusterCreateRequest) (*protocol.Cluster, error) { return q.Cluster, nil })
	h.prints("Cluster 'https://prod' added", "cluster", "add", "prod", "--kubeconfig", kubeconfig, "--exec-command", "login", "--name", "production")
	if got := h.last("ClusterService/Create"); !strings.Contains(got, `"name":"production","config":{"tlsClientConfig":{"insecure":false},"execProviderConfig":{"command":"login"}}`) {
		t.Errorf("the cluster is %s", got)
	}
	h.fails("context other does not exist in kubeconfig", ExitError, "cluster", "add", "other", "--kubeconfig", kubeconfig)
}

func TestAccount(t *testing.T) {
	h := newHub(t)
	always(h, protocol.SessionUserInfo, &protocol.GetUserInfoResponse{LoggedIn: true, Username: "ada", Issuer: "argocd", Groups: []string{"a", "b"}})
	h.prints("Logged In: true\nUsername: ada\nIssuer: argocd\nGroups: a,b", "account", "get-user-info")
	always(h, protocol.AccountGet, &protocol.Account{Name: "ada", Enabled: true, Capabilities: []string{"login", "apiKey"}})
	h.prints(`
		Name:               ada
		Enabled:            true
		Capabilities:       login, apiKey

		Tokens:
		NONE
	`, "account", "get")
	h.asks("GetAccount", `{"name":"ada"}`)
	always(h, protocol.AccountNewToken, &protocol.CreateTokenResponse{Token: "abc"})
	h.prints("abc", "account", "generate-token", "-a", "ci", "-e", "7d", "--id", "x")
	h.asks("CreateToken", `{"name":"ci","expiresIn":604800,"id":"x"}`)
	got, err := h.fairlead("secret\n", "account", "bcrypt")
	if err != nil || !strings.HasPrefix(got, "$2a$10$") {
		t.Errorf("%v\n%s", err, got)
	}
}
