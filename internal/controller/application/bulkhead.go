package application

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// A host of repositories that hangs must not hold up applications of other hosts. So a reconcile waits only for a moment for
// what it asks of one; then it ends without a word, the question goes on, and the application comes back for the answer. And
// while answers of a host are overdue, only a few reconciles at a time ask it anything.

// bulkhead counts the questions to each host, or to each set of them that applications ask together.
type bulkhead struct {
	// few is how many reconciles may wait for a host that has kept others waiting; most is how many overdue answers it may have.
	few, most int

	mu    sync.Mutex
	lanes map[string]*lane
}

// lane are the questions to a host. It goes when there are none.
type lane struct {
	// waiting are those that a reconcile waits for; overdue are those that go on without one.
	waiting, overdue int
	// turned are the applications that were turned away, which come back one by one as others leave.
	turned []types.NamespacedName
}

// reply is what came of a question that outlived its reconcile.
type reply struct {
	done  bool
	value any
	err   error
}

// slowHost is why a reconcile ended without an answer.
type slowHost struct{ hosts string }

func (e slowHost) Error() string {
	return fmt.Sprintf("waiting for %s, which has not answered yet", e.hosts)
}

func isSlow(err error) bool {
	var slow slowHost
	return errors.As(err, &slow)
}

// question is one of a reconcile to the hosts of sources. About tells it from others of the same application.
type question[T any] struct {
	sources v1alpha1.ApplicationSources
	about   any
	ask     func(context.Context) (T, error)
}

// patient asks, and waits a moment for the answer; a slowHost says that there is none yet. The answer to the same question
// then counts until the application's reconcile comes to an end.
func patient[T any](ctx context.Context, r *Reconciler, v *visit, q question[T]) (T, error) {
	var none T
	hosts, s := hostsOf(q.sources), v.session
	name := ""
	if s.awaits() {
		name = nameOf(q.about)
		if known := s.answerTo(name); known != nil && !known.done {
			return none, slowHost{hosts}
		} else if known != nil {
			value, _ := known.value.(T)
			return value, known.err
		}
	}
	if !r.hosts.enter(hosts, s.name) {
		return none, slowHost{hosts}
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := q.ask(ctx)
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		r.leave(hosts, false)
		return o.value, o.err
	case <-r.clock.After(r.options.Patience):
	}
	r.hosts.overdue(hosts)
	pending := s.await(cmpOr(name, func() string { return nameOf(q.about) }))
	go func() {
		o := <-done
		s.answered(pending, o.value, o.err)
		r.leave(hosts, true)
		r.wake(s.name)
	}()
	return none, slowHost{hosts}
}

func cmpOr(name string, otherwise func() string) string {
	if name != "" {
		return name
	}
	return otherwise()
}

func nameOf(about any) string {
	text, err := json.Marshal(about)
	if err != nil {
		return fmt.Sprintf("%#v", about)
	}
	return string(text)
}

// leave makes room, and lets in who was turned away.
func (r *Reconciler) leave(hosts string, late bool) {
	if next := r.hosts.leave(hosts, late); next.Name != "" {
		r.wake(next)
	}
}

// enter takes a place in the lane, unless the host keeps too many waiting.
func (b *bulkhead) enter(hosts string, app types.NamespacedName) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[hosts]
	if l == nil {
		l = &lane{}
		if b.lanes == nil {
			b.lanes = map[string]*lane{}
		}
		b.lanes[hosts] = l
	}
	if l.overdue >= b.most || l.overdue > 0 && l.waiting >= b.few {
		if !slices.Contains(l.turned, app) {
			l.turned = append(l.turned, app)
		}
		return false
	}
	l.waiting++
	return true
}

func (b *bulkhead) overdue(hosts string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes[hosts].waiting--
	b.lanes[hosts].overdue++
}

func (b *bulkhead) leave(hosts string, late bool) (next types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[hosts]
	if late {
		l.overdue--
	} else {
		l.waiting--
	}
	if len(l.turned) > 0 {
		next, l.turned = l.turned[0], l.turned[1:]
	}
	if l.waiting == 0 && l.overdue == 0 && len(l.turned) == 0 {
		delete(b.lanes, hosts)
	}
	return next
}

// hostsOf are the hosts of the sources, sorted: who asks two at once can't tell which of them is slow.
func hostsOf(sources v1alpha1.ApplicationSources) string {
	var hosts []string
	for _, source := range sources {
		hosts = append(hosts, hostOf(source.RepoURL))
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), " and ")
}

// hostOf is a repository's host, with its port; of a file the file itself.
func hostOf(repository string) string {
	if u, err := url.Parse(repository); err == nil && u.Scheme == "file" {
		return repository
	}
	host, _, _ := strings.Cut(event.NormalizeURL(repository), "/")
	return host
}

// awaits tells whether there are questions that outlived their reconcile.
func (s *session) awaits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers) > 0
}

// answerTo is a copy of what is known of a question; nil if it wasn't asked.
func (s *session) answerTo(name string) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.answers[name]; known != nil {
		copied := *known
		return &copied
	}
	return nil
}

func (s *session) await(name string) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[string]*reply{}
	}
	pending := &reply{}
	s.answers[name] = pending
	return pending
}

func (s *session) answered(a *reply, value any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.done, a.value, a.err = true, value, err
}

// forgetAnswers is for the end of a reconcile that waited for nothing: what was answered has been used. What is still asked
// stays, so that it isn't asked twice.
func (s *session) forgetAnswers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, a := range s.answers {
		if a.done {
			delete(s.answers, name)
		}
	}
	s.slow = 0
}

// later is when an application that a host keeps waiting looks again, if nothing wakes it before.
func (r *Reconciler) later(s *session) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := min(r.options.RetryMin<<min(s.slow, 20), r.options.RetryMax)
	s.slow++
	return wait
}
