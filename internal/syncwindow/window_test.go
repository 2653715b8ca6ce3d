package syncwindow

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse("2006-01-02 15:04:05 -0700", text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// parse reads windows as "kind cron;duration;flags".
func parse(t *testing.T, texts ...string) Windows {
	t.Helper()
	var windows Windows
	for _, text := range texts {
		kind, rest, _ := strings.Cut(text, " ")
		parts := strings.Split(rest, ";")
		w := &v1alpha1.SyncWindow{Kind: kind, Schedule: parts[0], Duration: parts[1]}
		for _, flag := range parts[2:] {
			switch {
			case flag == "manual":
				w.ManualSync = true
			case flag == "overrun":
				w.SyncOverrun = true
			default:
				w.TimeZone = flag
			}
		}
		windows = append(windows, w)
	}
	return windows
}

const night = "2026-03-02 02:30:00 +0000" // a Monday

func TestAllows(t *testing.T) {
	const began = "2026-03-02 01:30:00 +0000"
	for name, c := range map[string]struct {
		windows              []string
		at                   string
		automated, manual    bool
		goesOn, manualGoesOn bool
	}{
		"no windows":                  {nil, night, true, true, true, true},
		"open allow":                  {[]string{"allow 0 2 * * *;1h"}, night, true, true, true, true},
		"closed allow":                {[]string{"allow 0 3 * * *;1h"}, night, false, false, false, false},
		"closed allow, manual":        {[]string{"allow 0 3 * * *;1h;manual", "allow 0 4 * * *;1h"}, night, false, true, false, true},
		"it opens":                    {[]string{"allow 30 2 * * *;1h"}, night, true, true, true, true},
		"it closes":                   {[]string{"allow 30 1 * * *;1h"}, night, false, false, false, false},
		"open deny":                   {[]string{"deny 0 2 * * *;1h"}, night, false, false, false, false},
		"open deny, manual":           {[]string{"deny 0 2 * * *;1h;manual"}, night, false, true, false, true},
		"two denies, one manual":      {[]string{"deny 0 2 * * *;1h;manual", "deny 0 2 * * *;1h"}, night, false, false, false, false},
		"deny beats allow":            {[]string{"allow 0 2 * * *;1h;manual", "deny 0 2 * * *;1h"}, night, false, false, false, false},
		"closed deny":                 {[]string{"deny 0 3 * * *;1h"}, night, true, true, true, true},
		"closed deny, closed allow":   {[]string{"deny 0 3 * * *;1h", "allow 0 3 * * *;1h"}, night, false, false, false, false},
		"overlapping runs":            {[]string{"deny 0 * * * *;90m"}, night, false, false, false, false},
		"time zone":                   {[]string{"allow 0 3 * * *;1h;Europe/Zurich"}, night, true, true, true, true},
		"summer time":                 {[]string{"allow 0 4 * * *;1h;Europe/Zurich"}, "2026-07-02 02:30:00 +0000", true, true, true, true},
		"weekday":                     {[]string{"deny 0 0 * * 1;24h"}, night, false, false, false, false},
		"another weekday":             {[]string{"deny 0 0 * * 2;24h"}, night, true, true, true, true},
		"overrun a deny":              {[]string{"deny 0 2 * * *;1h;overrun"}, night, false, false, true, true},
		"overrun one of two denies":   {[]string{"deny 0 2 * * *;1h;overrun", "deny 0 2 * * *;1h"}, night, false, false, false, false},
		"overrun an allow":            {[]string{"allow 0 1 * * *;1h;overrun"}, night, false, false, true, true},
		"overrun the wrong allow":     {[]string{"allow 0 1 * * *;1h", "allow 0 8 * * *;1h;overrun"}, night, false, false, false, false},
		"overrun allow and deny":      {[]string{"allow 0 1 * * *;1h;overrun", "deny 0 2 * * *;1h;overrun"}, night, false, false, true, true},
		"overrun the deny only":       {[]string{"allow 0 1 * * *;1h", "deny 0 2 * * *;1h;overrun"}, night, false, false, false, false},
		"began when it was forbidden": {[]string{"deny 0 1 * * *;2h;overrun"}, night, false, false, false, false},
	} {
		w := parse(t, c.windows...)
		for what, check := range map[string]struct {
			request Request
			want    bool
		}{
			"automated": {Request{}, c.automated}, "manual": {Request{Manual: true}, c.manual},
			"goes on": {Request{Began: at(t, began)}, c.goesOn}, "manual goes on": {Request{Manual: true, Began: at(t, began)}, c.manualGoesOn},
		} {
			if got, err := w.Allows(check.request, at(t, c.at)); err != nil || got != check.want {
				t.Errorf("%s: %s: %v %v", name, what, got, err)
			}
		}
	}
}

func TestWhatCannotBeReadAllowsNothing(t *testing.T) {
	for _, w := range []string{"deny x;1h", "deny 0 0 * * *;soon", "allow 0 0 * * *;1h;Mars/Olympus", "deny 0 0 * * *;-1h", "deny * * * * * *;1h"} {
		if ok, err := parse(t, w).Allows(Request{Manual: true}, at(t, night)); ok || err == nil {
			t.Errorf("%s: %v %v", w, ok, err)
		}
		if _, ok := parse(t, w).Opens(Request{}, at(t, night)); ok {
			t.Errorf("%s opens", w)
		}
	}
}

func TestOpens(t *testing.T) {
	for name, c := range map[string]struct {
		windows []string
		want    string
	}{
		"deny ends":                {[]string{"deny 0 2 * * *;1h"}, "2026-03-02 03:00:00 +0000"},
		"allow begins":             {[]string{"allow 0 5 * * *;1h"}, "2026-03-02 05:00:00 +0000"},
		"first of two":             {[]string{"allow 0 5 * * *;1h", "allow 0 4 * * *;1h"}, "2026-03-02 04:00:00 +0000"},
		"another deny follows":     {[]string{"deny 0 2 * * *;1h", "deny 0 3 * * *;30m"}, "2026-03-02 03:30:00 +0000"},
		"denied when it begins":    {[]string{"allow 0 5 * * *;1h", "deny 30 4 * * *;1h"}, "2026-03-02 05:30:00 +0000"},
		"next week":                {[]string{"allow 0 5 * * 0;1h"}, "2026-03-08 05:00:00 +0000"},
		"when the clocks go ahead": {[]string{"allow 30 3 29 3 *;1h;Europe/Zurich"}, "2026-03-29 01:30:00 +0000"},
		"never":                    {[]string{"allow 0 0 31 2 *;1h"}, ""},
		"always denied":            {[]string{"deny * * * * *;1h"}, "later"},
	} {
		got, ok := parse(t, c.windows...).Opens(Request{}, at(t, night))
		switch {
		case c.want == "":
			if ok {
				t.Errorf("%s: opens at %s", name, got)
			}
		case c.want == "later":
			if !ok || got.Before(at(t, night).Add(24*time.Hour)) {
				t.Errorf("%s: asks again at %s", name, got)
			}
		case !ok || !got.Equal(at(t, c.want)):
			t.Errorf("%s: opens at %s", name, got.UTC())
		}
	}
}

func TestMatching(t *testing.T) {
	d := v1alpha1.ApplicationDestination{Server: "https://prod", Namespace: "shop"}
	for name, c := range map[string]struct {
		window v1alpha1.SyncWindow
		want   bool
	}{
		"names nothing":        {v1alpha1.SyncWindow{}, false},
		"names nothing at all": {v1alpha1.SyncWindow{UseAndOperator: true}, false},
		"application":          {v1alpha1.SyncWindow{Applications: []string{"other", "we*"}}, true},
		"all":                  {v1alpha1.SyncWindow{Applications: []string{"*"}}, true},
		"server":               {v1alpha1.SyncWindow{Clusters: []string{"https://*"}}, true},
		"cluster name":         {v1alpha1.SyncWindow{Clusters: []string{"prod"}}, false},
		"namespace":            {v1alpha1.SyncWindow{Namespaces: []string{"shop"}}, true},
		"one of two":           {v1alpha1.SyncWindow{Namespaces: []string{"shop"}, Applications: []string{"x"}}, true},
		"both of two":          {v1alpha1.SyncWindow{Namespaces: []string{"shop"}, Applications: []string{"x"}, UseAndOperator: true}, false},
		"both match":           {v1alpha1.SyncWindow{Namespaces: []string{"shop"}, Applications: []string{"web"}, UseAndOperator: true}, true},
	} {
		if got := len(Matching(v1alpha1.SyncWindows{nil, &c.window}, "web", d)) == 1; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Whatever a window says, a decision ends; and when a sync is said to be allowed later, it is.
func FuzzWindow(f *testing.F) {
	for _, seed := range [][3]string{{"0 2 * * *", "1h", ""}, {"*/5 * 29 2 *", "26h", "Asia/Kathmandu"}, {"@daily", "1m", "UTC"}, {"TZ=UTC 0 0 * * 1-5", "1h", "x"}, {"TZ=", "1h", ""}, {"0 0 31 2 *", "1ns", "Local"}} {
		f.Add(seed[0], seed[1], seed[2], true)
	}
	f.Fuzz(func(t *testing.T, schedule, duration, zone string, denies bool) {
		kind := allow
		if denies {
			kind = deny
		}
		w := Windows{{Kind: kind, Schedule: schedule, Duration: duration, TimeZone: zone}}
		now := time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)
		allowed, err := w.Allows(Request{}, now)
		if (err == nil) != (Validate(w[0]) == nil) || err != nil && allowed {
			t.Errorf("allowed %v, %v", allowed, err)
		}
		opens, ok := w.Opens(Request{}, now)
		if ok && !opens.After(now) {
			t.Errorf("opens at %s", opens)
		}
	})
}
