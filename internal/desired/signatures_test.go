package desired

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/signature"
	"fairlead.dev/fairlead/internal/signature/signaturetest"
)

func TestVerdictsAreOfKeysAndTime(t *testing.T) {
	now := time.Now()
	key, err := signaturetest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	object, err := key.Tag([]byte("object 0\ntype commit\ntag v1\n\nfirst\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Signatures{Now: func() time.Time { return now }}
	keys := map[string]string{"ann": key.Public}
	for _, step := range []struct {
		name   string
		keys   map[string]string
		kind   string
		object []byte
		later  time.Duration
		want   signature.Result
	}{
		{"no keys", nil, "tag", object, 0, signature.Invalid},
		{"a key is added", keys, "tag", object, 0, signature.Good},
		{"once more", keys, "tag", object, time.Minute, signature.Good},
		{"the same content isn't a signed commit", keys, "commit", object, 0, signature.Unsigned},
		{"another content under the same signature", keys, "tag", []byte(strings.Replace(string(object), "first", "other", 1)), 0, signature.Bad},
		{"the key is taken away", map[string]string{}, "tag", object, 0, signature.Invalid},
		{"a clock that was wrong", keys, "tag", object, -72 * time.Hour, signature.Invalid},
	} {
		now = now.Add(step.later)
		if got := s.verify(t.Context(), step.keys, step.kind, step.object); got.Result != step.want {
			t.Errorf("%s: %q (%s), want %q", step.name, got.Result, got.Message, step.want)
		}
	}
	for i := range maxVerdicts + 10 {
		s.verify(t.Context(), keys, "commit", fmt.Append(nil, i))
	}
	if len(s.verdicts) > maxVerdicts {
		t.Errorf("%d verdicts are remembered", len(s.verdicts))
	}
	now = now.Add(72 * time.Hour)
	s.verify(t.Context(), keys, "tag", object)
	if allocations := testing.AllocsPerRun(20, func() { s.verify(t.Context(), keys, "tag", object) }); allocations > 3 {
		t.Errorf("a verdict that is known takes %v allocations", allocations)
	}
}
