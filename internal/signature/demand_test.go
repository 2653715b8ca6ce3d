package signature

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestDemands(t *testing.T) {
	const policies = `{sourceIntegrity: {git: {policies: [
		{repos: [{url: "https://one/*"}, {url: "!https://one/free"}], gpg: {mode: strict, keys: [A]}},
		{repos: [{url: "https://two/*"}], gpg: {mode: head, keys: [B, C]}},
		{repos: [{url: "https://two/twice"}], gpg: {mode: none, keys: []}},
		{repos: [{url: "https://none"}], gpg: {mode: none, keys: [B]}},
		{repos: [{url: "https://odd"}], gpg: {mode: deep, keys: [B]}},
		{repos: [{url: "https://nothing"}]},
		{repos: [], gpg: {mode: head}}]}}`
	for _, c := range []struct{ spec, url, want string }{
		{"{}", "https://one/a", "nothing"},
		{policies + "}", "https://one/a/b", "[A] and history"},
		{policies + "}", "https://one/free", "nothing"},
		{policies + "}", "https://two/a", "[B C]"},
		{policies + "}", "https://two/twice", "multiple (2) git source integrity policies found for repo URL: https://two/twice"},
		{policies + "}", "https://none", "nothing"},
		{policies + "}", "https://odd", `unknown GPG mode "deep" configured for GIT source integrity`},
		{policies + "}", "https://nothing", "nothing"},
		{policies + "}", "https://elsewhere", "nothing"},
		{policies + "}", "oci://one/a", "nothing"},
		{policies + ", signatureKeys: [{keyID: D}]}", "https://elsewhere", "nothing"},
		{"{signatureKeys: [{keyID: D}, {keyID: E}]}", "https://elsewhere/a", "[D E]"},
		{"{sourceIntegrity: {}, signatureKeys: [{keyID: D}]}", "https://elsewhere/a", "[D]"},
	} {
		p := &v1alpha1.AppProject{}
		if err := yaml.Unmarshal([]byte(c.spec), &p.Spec); err != nil {
			t.Fatal(err)
		}
		demand, err := DemandOf(p, v1alpha1.ApplicationSource{RepoURL: c.url})
		got := "nothing"
		switch {
		case err != nil:
			got = err.Error()
		case demand != nil:
			if got = fmt.Sprint(demand.Keys); demand.History {
				got += " and history"
			}
		}
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.url, c.spec, got, c.want)
		}
	}
	for spec, want := range map[string]string{"{}": "[]", policies + "}": "[GIT/GPG]", "{signatureKeys: [{keyID: D}]}": "[GIT/GPG]", "{sourceIntegrity: {git: {policies: [{repos: []}]}}}": "[]"} {
		p := &v1alpha1.AppProject{}
		if err := yaml.Unmarshal([]byte(spec), &p.Spec); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(Methods(p)); got != want {
			t.Errorf("methods of %s: %s, want %s", spec, got, want)
		}
	}
	if demand, err := DemandOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SignatureKeys: []v1alpha1.SignatureKey{{KeyID: "A"}}}}, v1alpha1.ApplicationSource{Chart: "c"}); demand != nil || err != nil {
		t.Errorf("a chart can't be signed in Git: %v, %v", demand, err)
	}
}

func TestProblemsAreTold(t *testing.T) {
	d := &Demand{Keys: []string{strings.Repeat("A", 16)}}
	var checked []Checked
	for i := range 20 {
		checked = append(checked, Checked{Revision: fmt.Sprint(i), Verification: Verification{Finding: unsigned}})
	}
	by := Verification{Result: Good, Finding: signed, KeyID: strings.Repeat("B", 16)}
	same := []Checked{{Revision: "v1", IsTag: true, Verification: by}, {Revision: "1", Verification: by}, {Revision: "2", Verification: by}}
	if got := len(d.Problems(checked)); got != maxProblems {
		t.Errorf("%d problems of unsigned commits are told", got)
	}
	if got := len(d.Problems(same)); got != 2 {
		t.Errorf("%d problems of a tag and commits by one key are told", got)
	}
	if got := (&Demand{}).Problems([]Checked{{Verification: by}}); len(got) != 1 {
		t.Errorf("without keys nothing is good enough, but: %q", got)
	}
}
