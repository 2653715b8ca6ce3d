package rollout

import "testing"

// The numbers are those that Argo Rollouts' users see: approximateWeightedCanaryStableReplicaCounts in utils/replicaset, and
// the table in its documentation of the basic canary.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		replicas, weight, surge int32
		canary, stable          int32
	}{
		{10, 0, 1, 0, 10},
		{10, 10, 1, 1, 9},
		{10, 30, 0, 3, 7},
		{10, 5, 1, 1, 10}, // at least one canary
		{10, 99, 0, 9, 1}, // at least one stable pod
		{10, 100, 1, 10, 0},
		{1, 5, 1, 1, 1}, // one pod can't be shared, but surge can
		{1, 95, 1, 1, 1},
		{1, 50, 0, 1, 0}, // nor without surge: the tie goes to the canary
		{1, 49, 0, 0, 1},
		{3, 50, 0, 2, 1}, // a tie
		{3, 50, 1, 2, 2}, // exact with one more
		{5, 10, 0, 1, 4}, // 20 % is the nearest
		{5, 10, 1, 1, 5}, // 17 % is nearer
		{20, 40, 1, 8, 12},
		{7, 33, 0, 2, 5},
		{7, 35, 1, 3, 5}, // 37.5 % is nearer than 28.6 %
		{2, 75, 0, 1, 1}, // where upstream gives the canary nothing
		{0, 50, 1, 0, 0},
		{2_000_000_000, 99, 1, 1_980_000_000, 20_000_000},
	} {
		canary, stable := split(c.replicas, c.weight, c.surge)
		if canary != c.canary || stable != c.stable {
			t.Errorf("split(replicas %d, weight %d, surge %d) = %d/%d, want %d/%d",
				c.replicas, c.weight, c.surge, canary, stable, c.canary, c.stable)
		}
	}
}

// Whatever is split: no more than replicas, or one more with surge, and nobody is left out who may not be.
func TestSplitIsWithinBounds(t *testing.T) {
	for replicas := range int32(60) {
		for weight := range int32(101) {
			for surge := range int32(2) {
				canary, stable := split(replicas, weight, surge)
				if canary < 0 || stable < 0 || canary+stable < replicas || canary+stable > replicas+surge {
					t.Fatalf("split(%d, %d, %d) = %d/%d", replicas, weight, surge, canary, stable)
				}
				if shared := weight > 0 && weight < 100 && replicas > 1; shared && (canary == 0 || stable == 0) {
					t.Fatalf("split(%d, %d, %d) = %d/%d leaves one out", replicas, weight, surge, canary, stable)
				}
			}
		}
	}
}

func TestBoundsOfArgo(t *testing.T) {
	for _, c := range []struct {
		surge, slack string
		replicas     int32
		wantSurge    int32
		wantSlack    int32
	}{
		{"", "", 10, 3, 2}, // 25 %, up and down
		{"", "", 1, 1, 0},
		{"0", "1%", 2, 0, 1}, // both come to nothing: one may be missing
		{"1%", "0", 2, 1, 0},
		{"50%", "50%", 3, 2, 1},
		{"5", "5", 2, 5, 2},
		{"", "", 0, 0, 0},
	} {
		canary := canaryWithBounds(c.surge, c.slack)
		surge, slack, err := bounds(canary, c.replicas)
		if err != nil || surge != c.wantSurge || slack != c.wantSlack {
			t.Errorf("maxSurge %q and maxUnavailable %q of %d are %d and %d (%v), want %d and %d",
				c.surge, c.slack, c.replicas, surge, slack, err, c.wantSurge, c.wantSlack)
		}
	}
}
