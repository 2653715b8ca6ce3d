package application

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// What a session remembers of comparisons. A manifest is recognised by its pointer: placed manifests are never changed,
// and new ones are new pointers.

func (s *session) verdict(key object.Key, target, live *unstructured.Unstructured, ignore diff.Ignore) (verdict, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.verdicts[key]
	return known, ok && known.target == target && known.resourceVersion == live.GetResourceVersion() && known.ignore == ignore.String()
}

func (s *session) remember(key object.Key, known verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts[key] = known
}

// outdated is a field in which an object that was in sync with an older manifest can't be with this one; empty if none is known.
func (s *session) outdated(o *compared) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.verdicts[o.key]
	if !ok || len(last.paths) > 0 || !o.ignore.Empty() || last.ignore != o.ignore.String() || last.resourceVersion != o.live.GetResourceVersion() {
		return ""
	}
	return diff.Certain(last.target, o.target, o.live)
}

func (s *session) normalised(key object.Key, target *unstructured.Unstructured) (normalised, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.normal[key]
	return n, ok && n.target == target
}

// normalise notes the API server's word, which a verdict from before it doesn't know.
func (s *session) normalise(key object.Key, n normalised) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.verdicts, key)
	if s.normal == nil {
		s.normal = map[object.Key]normalised{}
	}
	s.normal[key] = n
}

func (s *session) forgetNormal(key object.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.normal, key); len(s.normal) == 0 {
		s.normal = nil // an empty map holds a kilobyte, for each application
	}
}

// forgetKind forgets the API server's word on manifests of a kind; false if the application has none. The caller holds mu.
func (s *session) forgetKind(kind schema.GroupKind) (has bool) {
	for key := range s.verdicts {
		if key.GroupKind() == kind {
			delete(s.verdicts, key)
			has = true
		}
	}
	for key := range s.normal {
		if key.GroupKind() == kind {
			delete(s.normal, key)
			has = true
		}
	}
	return has || s.known != nil && slices.ContainsFunc(s.known.Objects, func(u *unstructured.Unstructured) bool {
		return u.GroupVersionKind().GroupKind() == kind
	})
}

// tidy forgets what is no longer desired.
func (s *session) tidy(placed *desired.Placed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.verdicts) <= len(placed.Objects) && len(s.normal) <= len(placed.Objects) {
		return
	}
	wanted := make(map[object.Key]bool, len(placed.Objects))
	for _, u := range placed.Objects {
		wanted[object.KeyOf(u)] = true
	}
	for key := range s.verdicts {
		if !wanted[key] {
			delete(s.verdicts, key)
		}
	}
	for key := range s.normal {
		if !wanted[key] {
			delete(s.normal, key)
		}
	}
}

// recording remembers every answer to an apply: it is what the API server makes of the manifest, so that the comparison
// after a sync needn't ask.
type recording struct {
	Cluster
	session *session
}

// Apply applies and remembers.
func (c recording) Apply(ctx context.Context, manifest *unstructured.Unstructured, o cluster.ApplyOptions) (*unstructured.Unstructured, error) {
	answer, err := c.Cluster.Apply(ctx, manifest, o)
	if err != nil || o.Replace {
		return answer, err
	}
	if d, err := diff.FromApply(answer); err == nil {
		c.session.normalise(object.KeyOf(manifest), normalised{target: manifest, desired: d})
	}
	return answer, nil
}
