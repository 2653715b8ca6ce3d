package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// DefaultTimeout bounds a build whose rule names no limit: that of the CI templates that users know.
const DefaultTimeout = 1200 * time.Second

// New makes the Build for a commit that is due. Its name depends on rule, ref, commit and sequence only, so making it
// twice gives the same object. heard is when the hub learned of the push.
func New(rule *Rule, due Due, commit Commit, heard time.Time) (*v1alpha1.Build, error) {
	b, err := fromRule(rule, due.Ref, commit)
	if err != nil {
		return nil, err
	}
	pushedAt := metav1.NewMicroTime(heard)
	b.Spec.PushedAt = &pushedAt
	b.Name = objectName(rule.object.Name, commit, due.Ref, fmt.Sprint(due.Sequence))
	return b, nil
}

// Start makes the Build that a person asks for: of any commit, at any ref that the rule matches. Each call with another
// time gives another Build.
func Start(rule *Rule, ref string, commit Commit, user string, now time.Time) (*v1alpha1.Build, error) {
	b, err := fromRule(rule, ref, commit)
	if err != nil {
		return nil, err
	}
	b.Spec.RequestedBy = user
	b.Name = objectName(rule.object.Name, commit, ref, "start", user, now.UTC().Format(time.RFC3339Nano))
	return b, nil
}

// Rebuild makes the Build that repeats another with the same source, commit, arguments and tags, whatever became of the
// rule since. Each call with another time gives another Build.
func Rebuild(of *v1alpha1.Build, user string, now time.Time) *v1alpha1.Build {
	b := &v1alpha1.Build{TypeMeta: of.TypeMeta}
	b.Namespace = of.Namespace
	b.Labels = maps.Clone(of.Labels)
	b.OwnerReferences = slices.Clone(of.OwnerReferences)
	of.Spec.DeepCopyInto(&b.Spec)
	b.Spec.RebuildOf = of.Name
	b.Spec.RequestedBy = user
	b.Spec.Cancel = false
	b.Spec.PushedAt = nil
	b.Name = objectName(of.Spec.Rule, Commit{SHA: of.Spec.Commit}, of.Spec.Ref, "rebuild", of.Name, user, now.UTC().Format(time.RFC3339Nano))
	return b
}

func fromRule(rule *Rule, ref string, commit Commit) (*v1alpha1.Build, error) {
	images, err := rule.Images(ref, commit)
	if err != nil {
		return nil, err
	}
	object := rule.object
	b := &v1alpha1.Build{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Build"},
		Spec: v1alpha1.BuildSpec{
			Rule: object.Name, Project: object.Spec.Project, Source: object.Spec.Source,
			Ref: ref, Commit: commit.SHA, Images: images,
			Args: maps.Clone(object.Spec.Args), Platforms: slices.Clone(object.Spec.Platforms),
			NoCache: object.Spec.NoCache, TimeoutSeconds: object.Spec.TimeoutSeconds,
		},
	}
	b.Namespace = object.Namespace
	owner := true
	b.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "BuildRule", Name: object.Name, UID: object.UID,
		Controller: &owner, BlockOwnerDeletion: &owner,
	}}
	if len(object.Name) <= 63 { // the limit of a label's value
		b.Labels = map[string]string{v1alpha1.RuleLabel: object.Name}
	}
	return b, nil
}

// objectName joins the rule's name, the short commit and a hash of what tells the build from others. It is a valid name of an
// object, and a valid tag, as which its log is stored.
func objectName(rule string, commit Commit, distinct ...string) string {
	sum := sha256.Sum256([]byte(commit.SHA + "\x00" + strings.Join(distinct, "\x00")))
	if len(rule) > 80 {
		rule = strings.TrimRight(rule[:80], "-.")
	}
	return fmt.Sprintf("%s-%s-%s", rule, strings.ToLower(commit.short()), hex.EncodeToString(sum[:4]))
}

// Timeout is how long a build may take.
func Timeout(spec v1alpha1.BuildSpec) time.Duration {
	if spec.TimeoutSeconds <= 0 {
		return DefaultTimeout
	}
	return time.Duration(spec.TimeoutSeconds) * time.Second
}

// defaultHistoryLimit is enough to look a week back in a busy repository, and keeps lists short.
const defaultHistoryLimit = 20

// Expired are the finished builds of a rule beyond its history limit, the oldest first. Builds that aren't finished don't
// count. The newest successful one is always kept: it says what the image is.
func Expired(builds []v1alpha1.Build, limit *int32) []v1alpha1.Build {
	keep := defaultHistoryLimit
	if limit != nil {
		keep = int(*limit)
	}
	var finished []v1alpha1.Build
	for _, b := range builds {
		if b.Status.Phase.Completed() {
			finished = append(finished, b)
		}
	}
	slices.SortFunc(finished, func(a, b v1alpha1.Build) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	if len(finished) <= keep {
		return nil
	}
	expired := finished[:len(finished)-keep]
	succeeded := func(b v1alpha1.Build) bool { return b.Status.Phase == v1alpha1.BuildSucceeded }
	if slices.ContainsFunc(finished[len(expired):], succeeded) {
		return expired
	}
	for i := len(expired) - 1; i >= 0; i-- {
		if succeeded(expired[i]) {
			return slices.Delete(expired, i, i+1)
		}
	}
	return expired
}
