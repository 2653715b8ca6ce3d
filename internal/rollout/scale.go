package rollout

// split shares replicas between canary and stable so that the canary comes as near to weight (in percent) as whole pods
// allow. The two may sum up to replicas+1 if surge allows it and that comes nearer. Neither is 0 for a weight between 1 and
// 99, unless there is only one pod to share.
//
// The candidates and their order are Argo Rollouts' (since 1.2), since users have tuned their steps to its numbers: canary is
// replicas×weight rounded up or down, of a total of replicas or, with surge, one more; the first of the nearest wins. Only
// where it has no candidate and gives the canary nothing (two pods, 75 %, no surge), rounding down is right here.
func split(replicas, weight, surge int32) (canary, stable int32) {
	if replicas == 0 {
		return 0, 0
	}
	up := ceilDiv(int64(replicas)*int64(weight), 100)
	down := int32(int64(replicas) * int64(weight) / 100)
	mayVanish := weight == 0 || weight == 100 || (replicas == 1 && surge == 0)
	best := none
	if up < replicas || mayVanish {
		best = best.orNearer(share{up, replicas}, weight)
	}
	if (down > 0 || mayVanish) && (best == none || !halfWay(replicas, weight)) {
		best = best.orNearer(share{down, replicas}, weight)
	}
	if surge > 0 {
		best = best.orNearer(share{up, replicas + 1}, weight)
		if (down > 0 || mayVanish) && !halfWay(replicas+1, weight) {
			best = best.orNearer(share{down, replicas + 1}, weight)
		}
	}
	return best.canary, best.total - best.canary
}

// share is canary pods out of a total.
type share struct{ canary, total int32 }

// none is no candidate yet.
var none = share{}

// orNearer is other if it is nearer to weight than s, or s is none.
func (s share) orNearer(other share, weight int32) share {
	if s == none {
		return other
	}
	// |canary/total − weight/100|, compared without rounding.
	if other.distance(weight)*int64(s.total) < s.distance(weight)*int64(other.total) {
		return other
	}
	return s
}

func (s share) distance(weight int32) int64 {
	d := int64(s.canary)*100 - int64(weight)*int64(s.total)
	return max(d, -d)
}

// halfWay tells whether rounding up and down are equally near; then up is right.
func halfWay(total, weight int32) bool { return int64(total)*int64(weight)%100 == 50 }

func ceilDiv(a, b int64) int32 { return int32((a + b - 1) / b) }

// sizes are the numbers of pods that sets are to have next.
type sizes struct {
	canary, stable int32
	others         []int32
}

// target is where the sets are to end up at this weight.
func target(plan Plan, r roles, weight int32) (canary, stable int32) {
	if !r.updating() {
		return plan.Replicas, 0
	}
	return split(plan.Replicas, weight, plan.Surge)
}

// nextSizes moves every set as far towards its target as the plan's bounds allow now:
//
//   - Growing: all sets together never want more than Replicas+Surge pods. Stable goes first, so that an abort wins over a
//     canary that still grows. Room that shrinking sets are about to make isn't used before they have made it.
//   - Shrinking: never so far that fewer than Replicas−Slack available pods remain, if that many are left at all. Sets delete
//     pods that aren't ready first (ReplicaSets do), so shrinking to the number of available pods costs nothing. Older
//     revisions go first, then the canary, then stable.
//   - Canary and stable also keep pods that aren't available yet, as long as they would be missed: a stable revision that just
//     restarts isn't given up for a canary that hasn't proven itself.
//
// canary may be nil: it is about to be created.
func nextSizes(plan Plan, r roles, weight int32) sizes {
	next := sizes{canary: r.canary.desired(), others: make([]int32, len(r.others))}
	if r.updating() {
		next.stable = r.stable.Desired
	}
	wantCanary, wantStable := target(plan, r, weight)
	total := next.canary + next.stable
	for _, set := range r.others {
		total += set.Desired
	}
	room := max(0, plan.Replicas+plan.Surge-total)

	drain(plan, r, &next, wantCanary, wantStable)

	if next.stable < wantStable {
		grow := min(room, wantStable-next.stable)
		next.stable += grow
		room -= grow
	}
	if next.canary < wantCanary {
		next.canary += min(room, wantCanary-next.canary)
	}
	return next
}

// drain shrinks what is above its target, as far as available pods allow.
func drain(plan Plan, r roles, next *sizes, wantCanary, wantStable int32) {
	floor := max(0, plan.Replicas-plan.Slack)
	canaryUp, stableUp := r.canary.available(), int32(0)
	if r.updating() {
		stableUp = r.stable.available()
	}
	othersUp := int32(0)
	for _, set := range r.others {
		othersUp += set.available()
	}

	for i, set := range r.others {
		othersUp -= set.available()
		missed := max(0, floor-canaryUp-stableUp-othersUp)
		next.others[i] = min(set.available(), missed)
		othersUp += next.others[i]
	}
	if next.canary > wantCanary {
		next.canary = clamp(floor-stableUp-othersUp, wantCanary, next.canary)
		canaryUp = min(canaryUp, next.canary)
	}
	if next.stable > wantStable {
		next.stable = clamp(floor-canaryUp-othersUp, wantStable, next.stable)
	}
	shed(plan, r, next)
}

// shed gives up pods that aren't available while there are more than allowed, as after spec.replicas was lowered in the
// middle of an update that goes badly. What drain left over the limit can only be such pods.
func shed(plan Plan, r roles, next *sizes) {
	excess := next.canary + next.stable - plan.Replicas - plan.Surge
	for _, size := range next.others {
		excess += size
	}
	give := func(size *int32, keep int32) {
		if cut := min(excess, *size-keep); cut > 0 {
			*size -= cut
			excess -= cut
		}
	}
	give(&next.canary, r.canary.available())
	if r.updating() {
		give(&next.stable, r.stable.available())
	}
}

func clamp(value, low, high int32) int32 { return min(max(value, low), high) }
