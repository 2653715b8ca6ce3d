package application

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/dependency"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/syncrun"
)

// session is what is kept of an application between reconciles. Losing it costs time, nothing else. Its fields belong to
// the reconcile that runs, of which there is one at a time, but for those under mu.
type session struct {
	name types.NamespacedName

	// current is the reconcile under way.
	current *visit
	// sources are the spec's that manifests were looked up for, with the credentials of the project sourcesOf, at revisions.
	// lookupErr is why the last look-up failed.
	sources   v1alpha1.ApplicationSources
	sourcesOf string
	revisions []string
	lookupErr error
	// manifests are the rendering at revisions; renderErr is why there is none.
	manifests *desired.Manifests
	renderErr error
	// local are what the last operation was given instead.
	local local
	// placed are manifests in their places, for the destination placedFor.
	placed    *desired.Placed
	placedFor placedFor
	placedOf  *desired.Manifests
	// rules are what doesn't count, made of the operator's and the application's own; rulesErr is why they can't be read.
	rules    *diff.Rules
	rulesErr error
	rulesOf  *customization.Settings
	rulesFor []v1alpha1.ResourceIgnoreDifferences
	// rulesTimeout is the time that the rules give to an expression.
	rulesTimeout time.Duration
	// normal is what the API server made of manifests.
	normal   map[object.Key]normalised
	verdicts map[object.Key]verdict
	// compared says that there was a comparison since the start.
	compared bool
	// run is the sync under way.
	run *syncrun.Run
	// hooked is the application as it was stored with hooks under way; nil if it had none.
	hooked *v1alpha1.Application
	// deletion is the run of the hooks of the application's deletion; hookKinds are the kinds of all hooks that it may have, nil as long
	// as they aren't known.
	deletion  *deletion
	hookKinds []schema.GroupVersionKind
	// heard is true when the status says what the last reconcile did.
	heard bool
	// released is the application whose last finalizer was taken: it is gone, also where the cache still has it.
	released types.UID
	// failures counts failed attempts in a row, for the spacing of the next, which is not before retryAt.
	failures int
	retryAt  time.Time
	// timings of the stages of the current change, for the log.
	timings timings

	mu sync.Mutex
	// stale asks for a new look at Git; hard also for a new rendering. seen is when a push was heard of.
	stale, hard bool
	seen        time.Time
	// repositories, server and failing are for finding this application from events.
	repositories    []string
	server, project string
	failing         bool
	// outage is why the repository couldn't be fetched for some time; what was fetched before still counts.
	outage error
	// unsigned is why the newest revision must not be deployed.
	unsigned string
	// answers are those to questions that outlived their reconcile; slow counts the reconciles in a row that ended for one.
	answers map[string]*reply
	slow    int
	// known is manifests and revisions for others than the reconcile.
	known   *desired.Manifests
	targets v1alpha1.ApplicationSources
	// watched are the targets, and the bases of kustomizations, which move like them; one for each of repositories.
	watched v1alpha1.ApplicationSources
	// own knows the echo of our own writes. written is what the last one made of the application, until the cache has it too.
	own     ownWrites
	written *v1alpha1.Application
	// standing is what the last reconcile has found, for those that depend on this application; busy is true during one.
	// waiting is true while this one waits for others.
	standing      dependency.State
	dependencies  []types.NamespacedName
	busy, waiting bool
}

// placedFor is what the place of manifests depends on.
type placedFor struct {
	server, namespace string
	custom            *customization.Settings
}

// normalised is the API server's word on one manifest: what it makes of it, or why it refuses it. A refusal may depend on
// other things than the manifest, so it is asked for again.
type normalised struct {
	target  *unstructured.Unstructured
	desired *diff.Desired
	refused error
	again   time.Time
}

// verdict is the outcome of a comparison of one object, as long as neither side changes.
type verdict struct {
	target          *unstructured.Unstructured
	resourceVersion string
	ignore          string
	paths           []string
}

type timings struct {
	fetch, render, diff time.Duration
	// seen is when a push was heard of; zero if it was something else.
	seen time.Time
}

// newest is the application as the cache has it, or as we wrote it, whichever is newer.
func (s *session) newest(cached *v1alpha1.Application) *v1alpha1.Application {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written == nil || s.written.UID != cached.UID {
		s.written = nil
		return cached
	}
	ours, err1 := strconv.ParseUint(s.written.ResourceVersion, 10, 64)
	theirs, err2 := strconv.ParseUint(cached.ResourceVersion, 10, 64)
	if err1 == nil && err2 == nil && ours > theirs {
		return s.written
	}
	s.written = nil
	return cached
}

// forgetWritten has the cache's word count, whatever we wrote.
func (s *session) forgetWritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = nil
}

// takeStale returns and clears the request for a new look.
func (s *session) takeStale() (stale, hard bool, seen time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stale, hard, seen = s.stale, s.hard, s.seen
	s.stale, s.hard, s.seen = false, false, time.Time{}
	return stale, hard, seen
}

func (s *session) markStale(hard bool, seen time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers) // they may be older than what moved
	s.stillStale(hard, seen)
}

// stillStale puts back what takeStale took. The caller holds mu.
func (s *session) stillStale(hard bool, seen time.Time) {
	s.stale, s.hard = true, s.hard || hard
	if s.seen.IsZero() {
		s.seen = seen
	}
}

// moved tells that the destination isn't what it was.
func (s *session) moved(server string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server != "" && s.server != server
}

// share lets the finders of events see what the reconcile knows.
func (s *session) share(server, project string, sources v1alpha1.ApplicationSources) {
	var repositories []string
	watched := s.withBases(sources)
	for _, source := range watched {
		repositories = append(repositories, event.NormalizeURL(source.RepoURL))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server, s.project, s.repositories, s.targets, s.watched = server, project, repositories, sources, watched
	s.known, s.failing = s.manifests, s.lookupErr != nil || s.renderErr != nil || s.unsigned != ""
}

// withBases are sources, and the bases of kustomizations that the last rendering took.
func (s *session) withBases(sources v1alpha1.ApplicationSources) v1alpha1.ApplicationSources {
	if s.manifests == nil {
		return sources
	}
	return slices.Concat(sources, s.manifests.Bases)
}

// sessions are those of all applications.
type sessions struct {
	mu  sync.RWMutex
	all map[types.NamespacedName]*session
}

func (s *sessions) of(name types.NamespacedName) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[types.NamespacedName]*session{}
	}
	found := s.all[name]
	if found == nil {
		found = &session{name: name, verdicts: map[object.Key]verdict{}}
		s.all[name] = found
	}
	return found
}

// get returns a session; nil if there is none.
func (s *sessions) get(name types.NamespacedName) *session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[name]
}

func (s *sessions) drop(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
}

// find returns the sessions for which the question, asked under the session's lock, is answered by yes.
func (s *sessions) find(question func(*session) bool) []*session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*session
	for _, candidate := range s.all {
		candidate.mu.Lock()
		if question(candidate) {
			found = append(found, candidate)
		}
		candidate.mu.Unlock()
	}
	return found
}

// setOutage notes or clears an outage of the repository, and tells whether that is news.
func (s *session) setOutage(err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = (s.outage == nil) != (err == nil)
	s.outage = err
	return news
}

func (s *session) currentOutage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outage
}

func (s *session) setBusy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = true
}

func (s *session) setWaiting(waiting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = waiting
}

func (s *session) isWaiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// setUnsigned notes why the newest revision must not be deployed. Until that is over, each commit is looked at anew, also
// one that changes nothing: it may be signed.
func (s *session) setUnsigned(complaint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsigned = complaint
	s.failing = s.lookupErr != nil || s.renderErr != nil || complaint != ""
}
