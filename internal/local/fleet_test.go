package local

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/local/network"
	"fairlead.dev/fairlead/internal/local/supervise"
)

var testTools = Tools{Fairlead: "/bin/fairlead", KubeSandbox: "/bin/kube-sandbox", Pause: "/bin/pause", Buildkitd: "/bin/buildkitd", CNIPlugins: "/cni", Kwok: "/bin/kwok"}

func testOptions(t *testing.T) Options {
	o := Default(t.TempDir())
	o.Tools = testTools
	return o
}

func settled(t *testing.T, o Options, nodes bool) *Fleet {
	t.Helper()
	state, err := settle(o, nodes)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFleet(o.Dir, state, o.Tools)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheTableHoldsEveryPartOfTheFleet(t *testing.T) {
	for _, nodes := range []bool{true, false} {
		units := settled(t, testOptions(t), nodes).Units()
		if err := supervise.Validate(units); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, u := range units {
			names = append(names, u.Name)
		}
		want := []string{"network", "git", "registry", "hub", "hub-etcd", "hub-apiserver"}
		for _, member := range DefaultMembers() {
			want = append(want, member+"-apiserver", member+"-node", member+"-registration", member+"-agent")
		}
		for _, name := range want {
			if !slices.Contains(names, name) {
				t.Errorf("%q is not in the table %v", name, names)
			}
		}
		if slices.Contains(names, "builder") != nodes {
			t.Errorf("with nodes %v the table is %v", nodes, names)
		}
	}
}

func TestAddressRangesOfMembersDoNotOverlap(t *testing.T) {
	o := testOptions(t)
	for i := range maxMembers {
		o.Members = append(o.Members, "m"+strconv.Itoa(i))
	}
	f := settled(t, o, true)
	ranges := []netip.Prefix{f.bridge().Address.Masked(), f.hubCluster().ServiceCIDR}
	for i := range f.State.Members {
		c := f.memberCluster(i)
		ranges = append(ranges, c.PodCIDR, c.ServiceCIDR)
		if node := f.nodeSpec(i); !f.bridge().Address.Contains(node.Address.Addr()) || len(node.Link) > 15 {
			t.Errorf("node %s has address %v and link %s", node.Name, node.Address, node.Link)
		}
	}
	for i, a := range ranges {
		if !f.State.Subnet.Overlaps(a) || a != a.Masked() {
			t.Errorf("%v is no range of %v", a, f.State.Subnet)
		}
		for _, b := range ranges[i+1:] {
			if a.Overlaps(b) {
				t.Errorf("%v overlaps with %v", a, b)
			}
		}
	}
}

func TestWhatWasChosenStays(t *testing.T) {
	o := testOptions(t)
	first := settled(t, o, false)
	if again := settled(t, o, false); again.State.Ports != first.State.Ports || again.State.GitPassword != first.State.GitPassword {
		t.Errorf("first %+v, then %+v", first.State, again.State)
	}
	o.GitPort = 12345
	settled(t, o, false)
	o.GitPort = 0
	if port := settled(t, o, false).State.Ports.Git; port != 12345 {
		t.Errorf("the configured port became %d", port)
	}
	if info, err := os.Stat(statePath(o.Dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with passwords: %v, %v", info.Mode(), err)
	}
	o.Members = []string{"other"}
	if _, err := settle(o, false); err == nil || !strings.Contains(err.Error(), "has the members [dev staging production], not [other]") {
		t.Errorf("got %v", err)
	}
}

func TestTakenPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	o := testOptions(t)
	o.HubPort = taken
	f := settled(t, o, false)
	if err := f.State.checkPorts(); err == nil || !strings.Contains(err.Error(), "hub (--hub-port) is taken") {
		t.Errorf("got %v", err)
	}
	c := chooser{next: firstPort}
	var one, two int
	c.choose(&one)
	c.choose(&two)
	if one == two || one < firstPort || c.err != nil {
		t.Errorf("chose %d and %d, %v", one, two, c.err)
	}
}

func TestTheFirstFreeRangeIsChosen(t *testing.T) {
	parse := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	for name, test := range map[string]struct {
		candidates, used []netip.Prefix
		want             string
	}{
		"nothing in use": {parse("10.1.0.0/16", "10.2.0.0/16"), nil, "10.1.0.0/16"},
		"a part in use":  {parse("10.1.0.0/16", "10.2.0.0/16"), parse("10.1.3.0/24"), "10.2.0.0/16"},
		"all of it":      {parse("10.1.0.0/16"), parse("10.0.0.0/8"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := network.FirstFree(test.candidates, test.used)
			if test.want == "" {
				if !errors.Is(err, network.ErrNoSubnet) || !strings.Contains(err.Error(), "10.0.0.0/8") {
					t.Errorf("got %v, %v", got, err)
				}
			} else if err != nil || got.String() != test.want {
				t.Errorf("got %v, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"fine":             {func(*Options) {}, ""},
		"relative folder":  {func(o *Options) { o.Dir = "fleet" }, "absolute path"},
		"bad name":         {func(o *Options) { o.Members = []string{"Dev"} }, "lower-case"},
		"the hub's name":   {func(o *Options) { o.Members = []string{"hub"} }, "the hub's name"},
		"double":           {func(o *Options) { o.Members = []string{"a", "a"} }, "twice"},
		"too many":         {func(o *Options) { o.Members = strings.Split("abcdefgh", "") }, "more than the 7"},
		"small subnet":     {func(o *Options) { o.Subnet = netip.MustParsePrefix("10.0.0.0/24") }, "16 bits"},
		"subnet with host": {func(o *Options) { o.Subnet = netip.MustParsePrefix("10.0.0.1/16") }, "16 bits"},
		"port":             {func(o *Options) { o.GitPort = 70000 }, "port 70000"},
		"timeout":          {func(o *Options) { o.Timeout = 0 }, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			test.change(&o)
			err := o.Validate()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSocketsHaveShortPaths(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("very-long-name/", 10))
	if err := os.MkdirAll(filepath.Join(long, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := socketDir(long)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	if again, err := socketDir(long); err != nil || again != dir {
		t.Errorf("first %s, then %s, %v", dir, again, err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, strings.Repeat("x", 40)+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if short, err := socketDir("/srv/fleet"); err != nil || short != "/srv/fleet/run" {
		t.Errorf("got %s, %v", short, err)
	}
}

func TestWhereThereIsNoFleet(t *testing.T) {
	dir := t.TempDir()
	if _, err := Inspect(dir); !errors.Is(err, ErrNoFleet) || !strings.Contains(err.Error(), "fairlead local up") {
		t.Errorf("inspecting: %v", err)
	}
	if _, err := Kubeconfig(dir, "dev"); !errors.Is(err, ErrNoFleet) {
		t.Errorf("kubeconfig: %v", err)
	}
}

func TestKubeconfigsOfAFleetThatIsDown(t *testing.T) {
	o := testOptions(t)
	f := settled(t, o, false)
	if _, err := Kubeconfig(o.Dir, "dev"); err == nil || !strings.Contains(err.Error(), "never been started") {
		t.Errorf("before the first start: %v", err)
	}
	if err := f.prepare(); err != nil {
		t.Fatal(err)
	}
	content, err := Kubeconfig(o.Dir, "dev")
	if err != nil || !strings.Contains(string(content), f.memberCluster(0).Server()) {
		t.Errorf("got %s, %v", content, err)
	}
	if _, err := Kubeconfig(o.Dir, "test"); err == nil || !strings.Contains(err.Error(), "it has dev, hub, production, staging") {
		t.Errorf("unknown cluster: %v", err)
	}
	report, err := Inspect(o.Dir)
	if err != nil || report.Running || report.Endpoints.Hub == "" {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestMissingToolsAreNamedWithWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := FindTools(t.TempDir(), true)
	if !errors.Is(err, ErrMissingTools) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"kube-sandbox, pause, buildkitd", "make tools", "containerd", "apt-get install"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q doesn't say %q", err, part)
		}
	}
}
