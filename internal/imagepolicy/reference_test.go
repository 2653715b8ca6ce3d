package imagepolicy

import "testing"

func TestParseReference(t *testing.T) {
	for in, want := range map[string]Reference{
		"nginx":                        {"nginx", Version{}},
		"nginx:1.25":                   {"nginx", Version{Tag: "1.25"}},
		"localhost:5000/a/b":           {"localhost:5000/a/b", Version{}},
		"localhost:5000/a/b:v1":        {"localhost:5000/a/b", Version{Tag: "v1"}},
		"ghcr.io/a/b@sha256:abc":       {"ghcr.io/a/b", Version{Digest: "sha256:abc"}},
		"ghcr.io/a/b:latest@sha256:ab": {"ghcr.io/a/b", Version{Tag: "latest", Digest: "sha256:ab"}},
	} {
		got, err := ParseReference(in)
		if err != nil || got != want {
			t.Errorf("ParseReference(%q) = %+v, %v; want %+v", in, got, err, want)
		}
		if got.String() != in {
			t.Errorf("%q is written as %q", in, got)
		}
	}
	for _, in := range []string{"", ":v1", "a b", "a@b"} {
		if got, err := ParseReference(in); err == nil {
			t.Errorf("ParseReference(%q) = %+v, want an error", in, got)
		}
	}
}

func TestSameRepository(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"nginx", "docker.io/library/nginx", true},
		{"index.docker.io/a/b", "a/b", true},
		{"GHCR.io/a/b", "ghcr.io/a/b", true},
		{"ghcr.io/a/b", "a/b", false},
		{"localhost/a", "localhost:5000/a", false},
	} {
		if got := SameRepository(c.a, c.b); got != c.want {
			t.Errorf("SameRepository(%q, %q) = %v", c.a, c.b, got)
		}
	}
}
