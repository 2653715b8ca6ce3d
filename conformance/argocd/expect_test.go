package main

import "testing"

func TestExpectedText(t *testing.T) {
	for name, c := range map[string]struct {
		want, got string
		same      bool
	}{
		"blanks are one":         {"a  b\n", "a b   \n\n", true},
		"another word":           {"a b\n", "a c\n", false},
		"a pattern":              {"at {{\\d+}}:x\n", "at 12:x\n", true},
		"a counted pattern":      {"{{x{2}}}\n", "xx\n", true},
		"a pattern is anchored":  {"at {{\\d+}}\n", "at 12:x\n", false},
		"signs are plain":        {"a.b*\n", "axbb\n", false},
		"any lines":              {"a\n…\nz\n", "a\nb\nc\nz\n", true},
		"any lines may be none":  {"a\n…\nz\n", "a\nz\n", true},
		"a line is missing":      {"a\n…\ny\nz\n", "a\nz\n", false},
		"a line too many":        {"a\n", "a\nb\n", false},
		"nothing isn't anything": {"{{.+}}\n", "", false},
	} {
		if got := compare(c.want, c.got) == ""; got != c.same {
			t.Errorf("%s: %v, want %v", name, got, c.same)
		}
	}
}
