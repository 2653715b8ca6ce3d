package event

import "testing"

func TestNormalizeURLGivesOneSpelling(t *testing.T) {
	for _, same := range [][]string{
		{"git.example/team/app", "https://git.example/team/app.git", "https://user:secret@GIT.example:443/team/app/", "http://git.example/team/app", "git@git.example:team/app.git", "ssh://git@git.example:22/team/app"},
		{"127.0.0.1:3000/team/app", "http://127.0.0.1:3000/team/app.git"},
		{"/srv/git/app", "/srv/git/app.git"},
	} {
		for _, spelling := range same {
			if got := NormalizeURL(spelling); got != same[0] {
				t.Errorf("NormalizeURL(%q) = %q, want %q", spelling, got, same[0])
			}
		}
	}
}

func TestBusReachesEverySubscriberAndNeverBlocks(t *testing.T) {
	bus := NewBus()
	a, endA := bus.SubscribePush()
	b, endB := bus.SubscribePush()
	bus.PublishPush(Push{Ref: "refs/heads/main"})
	if (<-a).Ref != "refs/heads/main" || (<-b).Ref != "refs/heads/main" {
		t.Error("a subscriber missed the push")
	}
	endA()
	endA() // ending twice is harmless
	if _, open := <-a; open {
		t.Error("the channel of an ended subscription is still open")
	}
	for range 2 * backlog {
		bus.PublishPush(Push{}) // b reads none of these
	}
	endB()
}
