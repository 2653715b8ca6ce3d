package slug

import (
	"regexp"
	"strings"
	"testing"
)

func TestMake(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		whole bool
		want  string
	}{
		{"feature/ABC_1 Größe & mehr", 0, true, "feature-abc_1-grosse-and-mehr"},
		{"feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature", 50, true, "feat-a_really"},
		{"feat-a-really-long-pull-request-name-to-test-argo-slugification", 50, true, "feat-a-really-long-pull-request-name-to-test-argo"},
		{"areallylongwordwithnodash", 5, true, "areal"},
		{"one-two", 3, true, "one"},
		{"one-two", 7, true, "one-two"},
		{"one--two-three", 6, false, "one-t"},
		{"--", 10, true, ""},
		{"", 10, false, ""},
	} {
		if got := Make(test.text, test.limit, test.whole); got != test.want {
			t.Errorf("Make(%q, %d, %v) is %q, want %q", test.text, test.limit, test.whole, got, test.want)
		}
	}
}

func TestDNSName(t *testing.T) {
	for text, want := range map[string]string{
		"feature/ABC_1": "feature-abc-1", "-.x.-": "x", "ä": "", "v1.2": "v1.2",
		strings.Repeat("a", 252) + "-b": strings.Repeat("a", 252),
	} {
		if got := DNSName(text); got != want {
			t.Errorf("DNSName(%q) is %q, want %q", text, got, want)
		}
	}
}

func FuzzMake(f *testing.F) {
	f.Add("feature/ABC_1 Größe & mehr", 10, true)
	f.Add("日本語-@@", 3, false)
	allowed := regexp.MustCompile(`^[a-z0-9_-]*$`)
	f.Fuzz(func(t *testing.T, text string, limit int, whole bool) {
		got := Make(text, limit, whole)
		if !allowed.MatchString(got) || limit > 0 && len(got) > limit {
			t.Errorf("Make(%q, %d, %v) is %q", text, limit, whole, got)
		}
		if name := DNSName(text); strings.Trim(name, "-.") != name || len(name) > maxDNSName {
			t.Errorf("DNSName(%q) is %q", text, name)
		}
	})
}
