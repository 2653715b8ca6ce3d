package object

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The annotations with which a manifest steers its own sync; Argo CD's and Helm's.
const (
	WaveAnnotation           = "argocd.argoproj.io/sync-wave"
	HookAnnotation           = "argocd.argoproj.io/hook"
	HookDeleteAnnotation     = "argocd.argoproj.io/hook-delete-policy"
	SyncOptionsAnnotation    = "argocd.argoproj.io/sync-options"
	CompareOptionsAnnotation = "argocd.argoproj.io/compare-options"
	IgnoreHealthAnnotation   = "argocd.argoproj.io/ignore-healthcheck"
	HelmHookAnnotation       = "helm.sh/hook"
	HelmWeightAnnotation     = "helm.sh/hook-weight"
	HelmDeleteAnnotation     = "helm.sh/hook-delete-policy"
	HelmResourceAnnotation   = "helm.sh/resource-policy"
)

// HookFinalizer keeps the object of a hook until it was seen how the hook ended; Argo CD's.
const HookFinalizer = "argocd.argoproj.io/hook-finalizer"

// Hook is when a hook runs.
type Hook string

// The hooks, Argo CD's. Skip is applied by no sync.
const (
	HookPreSync    Hook = "PreSync"
	HookSync       Hook = "Sync"
	HookPostSync   Hook = "PostSync"
	HookSyncFail   Hook = "SyncFail"
	HookSkip       Hook = "Skip"
	HookPreDelete  Hook = "PreDelete"
	HookPostDelete Hook = "PostDelete"
)

// HookDeletePolicy is when a hook's object is deleted.
type HookDeletePolicy string

// The hook delete policies.
const (
	BeforeHookCreation HookDeletePolicy = "BeforeHookCreation"
	HookSucceeded      HookDeletePolicy = "HookSucceeded"
	HookFailed         HookDeletePolicy = "HookFailed"
)

var hooks = map[string]Hook{
	"PreSync": HookPreSync, "Sync": HookSync, "PostSync": HookPostSync, "SyncFail": HookSyncFail, "Skip": HookSkip,
	"PreDelete": HookPreDelete, "PostDelete": HookPostDelete,
}

// helmHooks are the Helm hooks that have a counterpart; the others (test, rollback) never run, as in Argo CD.
var helmHooks = map[string]Hook{
	"crd-install": HookPreSync, "pre-install": HookPreSync, "pre-upgrade": HookPreSync,
	"post-install": HookPostSync, "post-upgrade": HookPostSync,
	"pre-delete": HookPreDelete, "post-delete": HookPostDelete,
}

// Hooks are the moments at which the object runs as a hook, each once; isHook is false for an ordinary manifest. A hook
// with no moments is one that never runs.
func Hooks(u *unstructured.Unstructured) (moments []Hook, isHook bool) {
	annotations := u.GetAnnotations()
	value, own := annotations[HookAnnotation]
	table := hooks
	if !own {
		// Helm 2 marked definitions of kinds so; they are no hooks, and deleting them before a sync would delete all their objects.
		if value, isHook = annotations[HelmHookAnnotation]; !isHook || value == "crd-install" {
			return nil, false
		}
		table = helmHooks
	}
	seen := map[Hook]bool{}
	for _, name := range split(value) {
		if hook, ok := table[name]; ok && !seen[hook] {
			seen[hook] = true
			moments = append(moments, hook)
		}
	}
	if own && len(moments) == 0 {
		return nil, false // upstream takes an unknown hook for an ordinary manifest
	}
	return moments, true
}

// HookDeletePolicies are when the hook's object is deleted; BeforeHookCreation where it says nothing.
func HookDeletePolicies(u *unstructured.Unstructured) []HookDeletePolicy {
	annotations := u.GetAnnotations()
	var policies []HookDeletePolicy
	for _, name := range split(annotations[HookDeleteAnnotation]) {
		switch p := HookDeletePolicy(name); p {
		case BeforeHookCreation, HookSucceeded, HookFailed:
			policies = append(policies, p)
		}
	}
	for _, name := range split(annotations[HelmDeleteAnnotation]) {
		switch name {
		case "before-hook-creation":
			policies = append(policies, BeforeHookCreation)
		case "hook-succeeded":
			policies = append(policies, HookSucceeded)
		case "hook-failed":
			policies = append(policies, HookFailed)
		}
	}
	if len(policies) == 0 {
		return []HookDeletePolicy{BeforeHookCreation}
	}
	return policies
}

// Wave is the sync wave; a Helm hook's weight counts as one. 0 where there is none or it is no number.
func Wave(u *unstructured.Unstructured) int {
	annotations := u.GetAnnotations()
	for _, name := range []string{WaveAnnotation, HelmWeightAnnotation} {
		if value, ok := annotations[name]; ok {
			wave, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return 0
			}
			return wave
		}
	}
	return 0
}

// HasSyncOption tells whether the object asks for a sync option, such as Prune=false.
func HasSyncOption(u *unstructured.Unstructured, option string) bool {
	return has(u.GetAnnotations()[SyncOptionsAnnotation], option)
}

// SyncOption is what the object says of a sync option: of Prune it may say true, false or confirm. The last word counts;
// ok is false where it says nothing.
func SyncOption(u *unstructured.Unstructured, name string) (value string, ok bool) {
	for _, option := range split(u.GetAnnotations()[SyncOptionsAnnotation]) {
		if said, found := strings.CutPrefix(option, name+"="); found {
			value, ok = said, true
		}
	}
	return value, ok
}

// HelmKeeps tells whether Helm would leave the object when its release no longer has it.
func HelmKeeps(u *unstructured.Unstructured) bool {
	return strings.TrimSpace(u.GetAnnotations()[HelmResourceAnnotation]) == "keep"
}

// HasCompareOption tells whether an object, or an application for all of its, asks for a compare option, such as
// IgnoreExtraneous.
func HasCompareOption(annotated interface{ GetAnnotations() map[string]string }, option string) bool {
	return has(annotated.GetAnnotations()[CompareOptionsAnnotation], option)
}

// IgnoresHealth tells whether the object's health must not count.
func IgnoresHealth(u *unstructured.Unstructured) bool {
	return u.GetAnnotations()[IgnoreHealthAnnotation] == "true"
}

func has(list, option string) bool {
	for _, have := range split(list) {
		if have == option {
			return true
		}
	}
	return false
}

func split(list string) []string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
