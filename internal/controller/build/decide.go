package build

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// action is what follows when a decision is recorded; 0 is nothing.
type action int

const (
	// actBegin starts a job.
	actBegin action = iota + 1
	// actCancel asks the running job to stop.
	actCancel
	// actSettle forgets a job whose outcome is recorded.
	actSettle
	// actDrop closes the books of a build that never had a job.
	actDrop
)

// observed is what there is to know about a build besides its object.
type observed struct {
	now     time.Time
	options Options
	// job is nil if none runs, or waits for its outcome to be recorded.
	job *snapshot
	// retryAfter is how long until the next attempt is due; 0 means now.
	retryAfter time.Duration
	// waitsFor says in words what comes first; empty means that it is the build's turn.
	waitsFor string
}

// snapshot is a job at one moment.
type snapshot struct {
	stages []v1alpha1.BuildStage
	// outcome is nil while the job runs.
	outcome *outcome
}

// outcome is how an attempt ended.
type outcome struct {
	// phase is an end, or Pending for another attempt.
	phase   v1alpha1.BuildPhase
	message string
	digest  string
}

// decision is the status to record, and what to do then.
type decision struct {
	status v1alpha1.BuildStatus
	act    action
	after  time.Duration
}

// decide leads an unfinished build one step further.
func decide(b *v1alpha1.Build, seen observed) decision {
	d := decision{status: *b.Status.DeepCopy()}
	switch {
	case seen.job != nil && seen.job.outcome != nil:
		d.status.Stages = seen.job.stages
		d.act = actSettle
		settle(b, &d, *seen.job.outcome, seen)
	case seen.job != nil:
		d.status.Stages = seen.job.stages
		if b.Spec.Cancel {
			d.act = actCancel
		}
	case b.Spec.Cancel:
		finish(&d.status, v1alpha1.BuildCancelled, "cancelled before it ran", seen.now)
		d.act = actDrop
	case seen.retryAfter > 0:
		d.after = seen.retryAfter
	case seen.waitsFor != "":
		// A build that ran when the hub was killed stays Running: its turn comes first, and soon.
		if d.status.Phase != v1alpha1.BuildRunning {
			d.status.Phase, d.status.Message = v1alpha1.BuildPending, "waiting for "+seen.waitsFor
		}
	default:
		d.status.Phase, d.status.Message = v1alpha1.BuildRunning, ""
		d.status.Attempts++
		if d.status.StartedAt == nil {
			d.status.StartedAt = microTime(seen.now)
		}
		d.status.Stages = nil
		d.act = actBegin
	}
	return d
}

func settle(b *v1alpha1.Build, d *decision, o outcome, seen observed) {
	started := b.Status.StartedAt
	switch {
	case o.phase == v1alpha1.BuildPending && b.Spec.Cancel:
		finish(&d.status, v1alpha1.BuildCancelled, "cancelled while it waited to be tried again", seen.now)
		d.act = actDrop
	case o.phase == v1alpha1.BuildPending && started != nil && seen.now.Sub(started.Time) > seen.options.RetryFor:
		finish(&d.status, v1alpha1.BuildFailed, fmt.Sprintf("given up after %s: %s; rebuild it when that is mended",
			seen.options.RetryFor, o.message), seen.now)
		d.act = actDrop
	case o.phase == v1alpha1.BuildPending:
		d.status.Phase, d.status.Message = o.phase, o.message+"; trying again"
	default:
		finish(&d.status, o.phase, o.message, seen.now)
		if o.phase == v1alpha1.BuildSucceeded {
			d.status.Image, d.status.Digest = b.Spec.Images[0], o.digest
		}
	}
}

func finish(status *v1alpha1.BuildStatus, phase v1alpha1.BuildPhase, message string, now time.Time) {
	status.Phase, status.Message = phase, message
	if len(message) > maxMessage {
		status.Message = message[:maxMessage] + "…"
	}
	status.FinishedAt = microTime(now)
}

func microTime(t time.Time) *metav1.MicroTime {
	m := metav1.NewMicroTime(t)
	return &m
}

// places is who builds.
type places struct {
	// running have a job; resting wait until their next attempt is due.
	running, resting map[types.NamespacedName]bool
	// parallel is how many may run at once.
	parallel int
}

// waitsFor says what a build that has no job has to wait for, in words; empty means that it is its turn. Builds run in the
// order in which they were made, those first that the hub was killed over; and one after the other where they push the same
// image, so that a tag ends up at the newest.
func waitsFor(b *v1alpha1.Build, builds []v1alpha1.Build, p places) string {
	ahead := 0
	for i := range builds {
		other := &builds[i]
		key := client.ObjectKeyFromObject(other)
		if key == client.ObjectKeyFromObject(b) || other.Status.Phase.Completed() || (!p.running[key] && !before(other, b)) {
			continue
		}
		if shareImage(other, b) {
			return fmt.Sprintf("build %s, which pushes the same image", other.Name)
		}
		if !p.running[key] && !p.resting[key] && !other.Spec.Cancel {
			ahead++
		}
	}
	if free := p.parallel - len(p.running); ahead >= free {
		// No numbers: they would change with every build, and each change is a write for all that wait.
		return "a free place among the builds that run"
	}
	return ""
}

func before(a, b *v1alpha1.Build) bool {
	aRan, bRan := a.Status.Phase == v1alpha1.BuildRunning, b.Status.Phase == v1alpha1.BuildRunning
	if aRan != bRan {
		return aRan
	}
	if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
		return c < 0
	}
	return a.Name < b.Name
}

func shareImage(a, b *v1alpha1.Build) bool {
	return slices.ContainsFunc(a.Spec.Images, func(image string) bool { return slices.Contains(b.Spec.Images, image) })
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
