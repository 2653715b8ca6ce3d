package kustomize

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fairlead.dev/fairlead/internal/render/helm"
)

func TestAddressesOfBases(t *testing.T) {
	for entry, want := range map[string]string{
		"https://github.com/org/repo":                               "https://github.com/org/repo | . | ",
		"https://github.com/org/repo/config/default?ref=v1.2":       "https://github.com/org/repo | config/default | v1.2",
		"github.com/org/repo//config/default?ref=v1.2":              "https://github.com/org/repo | config/default | v1.2",
		"github.com/org/repo?version=v2":                            "https://github.com/org/repo | . | v2",
		"GitHub.com:org/repo.git/sub":                               "https://github.com/org/repo.git | sub | ",
		"git@github.com:org/repo.git//sub?ref=abc&timeout=90s":      "git@github.com:org/repo.git | sub | abc",
		"ssh://git@github.com/org/repo":                             "git@github.com:org/repo | . | ",
		"git@gitlab.example:group/sub/repo.git//base":               "git@gitlab.example:group/sub/repo.git | base | ",
		"ssh://git@git.example:7999/team/repo//base":                "ssh://git@git.example:7999/team/repo | base | ",
		"https://gitlab.example/group/sub/repo//base?ref=main":      "https://gitlab.example/group/sub/repo | base | main",
		"https://gitlab.example/group/sub/repo.git/base":            "https://gitlab.example/group/sub/repo.git | base | ",
		"https://dev.azure.com/org/project/_git/repo/base?ref=main": "https://dev.azure.com/org/project/_git/repo | base | main",
		"git::https://git.example/team/repo//base":                  "https://git.example/team/repo | base | ",
		"http://127.0.0.1:3000/team/repo":                           "http://127.0.0.1:3000/team/repo | . | ",
		"https://user:secret@git.example/team/repo":                 "https://user:secret@git.example/team/repo | . | ",
		"file:///srv/git/repo":                                      "only repositories over https, http and ssh are bases",
		"https://git.example/repo":                                  errNoRepository.Error(),
		"https://":                                                  errNoRepository.Error(),
		"git@git.example":                                           errNoRepository.Error(),
		"https://git.example/team/repo//../../etc":                  "its folder leads out of the repository",
		"https://github.com/org/repo/../../etc":                     "its folder leads out of the repository",
	} {
		base, folder, err := parseBase(entry)
		got := base.URL + " | " + folder + " | " + base.Ref
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", entry, got, want)
		}
	}
}

func TestFilesAndRepositoriesAreTold(t *testing.T) {
	for entry, want := range map[string]bool{
		"https://raw.githubusercontent.com/org/repo/v1/deploy/crds.yaml": true,
		"https://github.com/org/repo/releases/download/v1/install.yaml":  true,
		"https://host.example/x.JSON?token=1":                            true,
		"https://github.com/org/repo//deploy/crds.yaml?ref=v1":           false,
		"https://git.example/org/repo.git/crds.yaml":                     false,
		"https://github.com/org/repo/deploy?ref=v1":                      false,
		"git@github.com:org/repo.yaml":                                   false,
	} {
		if got := isFileURL(entry); got != want {
			t.Errorf("%s: %t, want %t", entry, got, want)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{"github.com/a/b//c?ref=d", "git@h:a/b", "ssh://x@h:1/a/b.git/c", "https://h/_git/", "git::", "a@", "https://h//..", "?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		base, folder, err := parseBase(entry)
		if err != nil {
			return
		}
		if base.URL == "" || !fs.ValidPath(folder) {
			t.Errorf("%q: repository %q, folder %q", entry, base.URL, folder)
		}
	})
}

func text(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return tree
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "

// TestRemoteThings fetches what a build names, round by round, and builds with it.
func TestRemoteThings(t *testing.T) {
	files := text(map[string]string{
		"app/kustomization.yaml":    "namePrefix: p-\nresources: [../mid, 'https://files.example/one.yaml']\ncomponents: ['github.com/org/bases//component?ref=v1']\n",
		"mid/kustomization.yaml":    "bases: ['github.com/org/bases//a?ref=v1']\nresources: [own.yaml]\n",
		"mid/own.yaml":              configMap + "own}\n",
		"charts.yaml":               "",
		"app/values.yaml":           "x: 1\n",
		"unused/kustomization.yaml": "resources: ['github.com/org/unused']\n",
	})
	bases := text(map[string]string{
		"a/kustomization.yaml":         "resources: [../b, 'git@git.example:team/inner.git//deep']\n",
		"b/kustomization.yaml":         "resources: [b.yaml]\n",
		"b/b.yaml":                     configMap + "b}\n",
		"component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {touched: 'yes'}\n",
	})
	inner := text(map[string]string{
		"deep/kustomization.yaml": "resources: [inner.yaml]\nhelmCharts: [{name: redis, repo: 'https://charts.example', version: 1.0.0, releaseName: r}]\n",
		"deep/inner.yaml":         configMap + "inner}\n",
	})
	chart := text(map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.0.0\n", "values.yaml": "size: 3\n",
		"templates/c.yaml": configMap + "'chart-{{ .Values.size }}'}\n",
	})
	in := Input{Files: files, Root: "app", Settings: Settings{BuildOptions: "--enable-helm"}, Fetched: Fetched{Bases: map[Base]fs.FS{}, Charts: map[helm.Dependency]fs.FS{}, Files: map[string][]byte{}}}
	var asked []string
	for round := 0; ; round++ {
		needs, err := in.Needs(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if needs.None() {
			break
		}
		if round == 5 {
			t.Fatalf("no end of what is needed: %v", needs)
		}
		for _, base := range needs.Bases {
			asked = append(asked, base.URL+"@"+base.Ref)
			in.Fetched.Bases[base] = map[string]fstest.MapFS{"https://github.com/org/bases": bases, "git@git.example:team/inner.git": inner}[base.URL]
		}
		for _, file := range needs.Files {
			asked = append(asked, file)
			in.Fetched.Files[file] = []byte(configMap + "one}\n")
		}
		for _, wanted := range needs.Charts {
			asked = append(asked, wanted.Repository+" "+wanted.Name)
			in.Fetched.Charts[wanted] = chart
		}
	}
	slices.Sort(asked)
	if got, want := strings.Join(asked, "\n"), "git@git.example:team/inner.git@\nhttps://charts.example redis\nhttps://files.example/one.yaml\nhttps://github.com/org/bases@v1"; got != want {
		t.Errorf("asked for\n%s\nwant\n%s", got, want)
	}
	objects, err := Build(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range objects {
		names = append(names, u.GetName())
		if u.GetAnnotations()["touched"] != "yes" {
			t.Errorf("%s has not what the remote component adds", u.GetName())
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "p-b p-chart-3 p-inner p-one p-own" {
		t.Errorf("objects %s", got)
	}
}

// TestRemoteBasesStayInside has a base reach for what isn't its own.
func TestRemoteBasesStayInside(t *testing.T) {
	base := Base{URL: "https://github.com/org/bases", Submodules: true}
	other := Base{URL: "https://github.com/org/other", Submodules: true}
	for kustomization, want := range map[string]string{
		"resources: [../../secret.yaml]": "leads out of the repository",
		"resources: [../" + strings.TrimPrefix(mountName(other), fetchedFolder+"/") + "/x.yaml]": "leads out of the repository",
		"configMapGenerator: [{name: x, files: ['k=../../secret.yaml']}]":                        "leads out of the repository",
		"resources: ['file:///etc']":                                                  "is remote",
		"resources: ['https://github.com/org/third']":                                 "is remote",
		"patches: [{path: 'https://files.example/patch.yaml'}]":                       "copy it into the repository",
		"resources: ['https://github.com/org/bases']":                                 "cycle",
		"helmCharts: [{name: secret, chartHome: x}]\nhelmGlobals: {chartHome: ../..}": "",
	} {
		in := Input{
			Files: text(map[string]string{"kustomization.yaml": "resources: ['https://github.com/org/bases']\n", "secret.yaml": configMap + "secret}\n"}),
			Root:  ".", Settings: Settings{BuildOptions: "--enable-helm"},
			Fetched: Fetched{Bases: map[Base]fs.FS{
				base:  text(map[string]string{"kustomization.yaml": kustomization + "\n"}),
				other: text(map[string]string{"x.yaml": configMap + "x}\n"}),
			}},
		}
		_, err := Build(context.Background(), in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kustomization, err, want)
		} else if strings.Contains(err.Error(), fetchedFolder) {
			t.Errorf("%s: the error shows our folder: %v", kustomization, err)
		}
	}
}
