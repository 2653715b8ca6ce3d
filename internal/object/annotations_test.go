package object

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// FuzzAnnotations reads what people write into the annotations that steer comparisons and syncs. A list means the same however
// it is spaced, options are whole words, and who says nothing of hooks is none.
func FuzzAnnotations(f *testing.F) {
	f.Add("IgnoreExtraneous,ServerSideDiff=true", "Prune=false, Replace=true", "PreSync,PostSync", "-5")
	f.Add("IgnoreExtraneous=true", "Prune=false,Prune=confirm", "Sometime", "1e9")
	f.Add(" ,,IncludeMutationWebhook=true ,", "=,Delete=", "pre-install", "99999999999999999999")
	f.Add("ignoreextraneous", "Prune = false", "\x00", " 7 ")
	f.Fuzz(func(t *testing.T, compare, sync, hook, wave string) {
		of := func(annotations map[string]string) *unstructured.Unstructured {
			u := &unstructured.Unstructured{Object: map[string]any{}}
			u.SetAnnotations(annotations)
			return u
		}
		tight := of(map[string]string{CompareOptionsAnnotation: compare, SyncOptionsAnnotation: sync, WaveAnnotation: wave})
		wide := of(map[string]string{
			CompareOptionsAnnotation: " " + strings.ReplaceAll(compare, ",", " , ") + ",",
			SyncOptionsAnnotation:    "," + strings.ReplaceAll(sync, ",", " ,\t"), WaveAnnotation: " " + wave + "\n",
		})
		for _, option := range []string{"IgnoreExtraneous", "IncludeMutationWebhook=true", "ServerSideDiff=true"} {
			has := slices.ContainsFunc(strings.Split(compare, ","), func(item string) bool { return strings.TrimSpace(item) == option })
			if HasCompareOption(tight, option) != has || HasCompareOption(wide, option) != has {
				t.Errorf("%q has %s: %t", compare, option, has)
			}
		}
		for _, name := range []string{"Prune", "Delete", "Replace", "Force", "Validate"} {
			value, says := SyncOption(tight, name)
			if spaced, too := SyncOption(wide, name); spaced != value || too != says {
				t.Errorf("%q says %s=%q, and spaced out %q", sync, name, value, spaced)
			}
			if says && !HasSyncOption(tight, name+"="+value) {
				t.Errorf("%q says %s=%q and doesn't have it", sync, name, value)
			}
		}
		if a, b := Wave(tight), Wave(wide); a != b {
			t.Errorf("wave %q is %d, and spaced out %d", wave, a, b)
		}
		if _, isHook := Hooks(tight); isHook {
			t.Error("a manifest without the annotation of a hook is none")
		}
		for _, name := range []string{HookAnnotation, HelmHookAnnotation} {
			hooked := of(map[string]string{name: hook, HookDeleteAnnotation: sync, HelmDeleteAnnotation: compare})
			moments, isHook := Hooks(hooked)
			if len(moments) > 0 && !isHook || len(slices.Compact(slices.Sorted(slices.Values(moments)))) != len(moments) {
				t.Errorf("%s %q: a hook (%t) at %v", name, hook, isHook, moments)
			}
			if len(HookDeletePolicies(hooked)) == 0 {
				t.Errorf("nothing says when a hook with %q, %q is deleted", sync, compare)
			}
		}
	})
}
