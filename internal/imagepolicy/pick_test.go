package imagepolicy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// tags makes tags of words such as "v1", "v1@10" (built ten minutes after noon), "v1@10=d1" (with a digest).
func tags(words string) []Tag {
	var list []Tag
	for _, word := range strings.Fields(words) {
		word, digest, _ := strings.Cut(word, "=")
		name, minute, timed := strings.Cut(word, "@")
		tag := Tag{Name: name, Digest: digest}
		if timed {
			var minutes int
			fmt.Sscan(minute, &minutes)
			tag.Created = noon.Add(time.Duration(minutes) * time.Minute)
		}
		list = append(list, tag)
	}
	return list
}

func TestPick(t *testing.T) {
	semver := func(constraint string) Image {
		return Image{Repository: "web", Strategy: Semver, Constraint: constraint}
	}
	newest := Image{Repository: "web", Strategy: NewestBuild}
	filtered := Image{Repository: "web", Strategy: NewestBuild, Allow: regexp.MustCompile(`^main-`), Ignore: []string{"*-dirty"}}
	digest := Image{Repository: "web", Strategy: Digest, Constraint: "latest"}
	for name, c := range map[string]struct {
		image   Image
		current string
		tags    string
		want    string
	}{
		"highest version":            {semver(""), "1.9.0", "1.9.0 1.10.0 1.2.0 latest", "Update 1.10.0"},
		"within the constraint":      {semver("~1.9"), "1.9.0", "1.9.0 1.9.4 1.10.0", "Update 1.9.4"},
		"down into the constraint":   {semver("1.x"), "2.0.0", "1.9.0 2.0.0", "Update 1.9.0"},
		"v is no difference":         {semver(">=1.0"), "v1.0", "v1.0 v1.1.0", "Update v1.1.0"},
		"a second name of it":        {semver(""), "1.2", "1.2 1.2.0", "UpToDate 1.2"},
		"no pre-release":             {semver(">=1.0"), "1.0.0", "1.0.0 1.1.0-rc1", "UpToDate 1.0.0"},
		"pre-release asked for":      {semver(">=1.0-0"), "1.0.0", "1.0.0 1.1.0-rc1", "Update 1.1.0-rc1"},
		"from a tag that is none":    {semver("1.x"), "latest", "latest 1.0.0", "Update 1.0.0"},
		"nothing allowed":            {semver("3.x"), "1.0.0", "1.0.0 2.0.0", "NoCandidate 1.0.0"},
		"no tags":                    {semver(""), "1.0.0", "", "NoCandidate 1.0.0"},
		"newest build":               {newest, "a", "a@1 z@0 b@2", "Update b"},
		"newest build, filtered":     {filtered, "main-1", "main-1@1 main-2@2 latest@9 main-3-dirty@9", "Update main-2"},
		"unknown times don't count":  {newest, "a", "a@1 b", "UpToDate a"},
		"several names of one image": {newest, "", "dev@1=d f33bacd@1=d latest@1=d", "Update latest"},
		"one of several names":       {newest, "dev", "dev@1=d latest@1=d", "UpToDate dev"},
		"same time, other image":     {newest, "a", "a@0=d1 b@0=d2", "Update b"},
		"alphabetical":               {Image{Repository: "web", Strategy: Alphabetical}, "2026-01", "2026-02 2026-01 2025-12", "Update 2026-02"},
		"digest moved":               {digest, "latest@sha256:1", "latest=sha256:2 other=sha256:3", "Update latest@sha256:2"},
		"digest the same":            {digest, "latest@sha256:2", "latest=sha256:2", "UpToDate latest@sha256:2"},
		"digest instead of a tag":    {digest, "latest", "latest=sha256:2", "Update latest@sha256:2"},
		"first version":              {semver(""), "", "1.0.0", "Update 1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Pick(c.image, ParseVersion(c.current), tags(c.tags), nil)
			if got := fmt.Sprintf("%s %s", d.Outcome, d.To); got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Reason, c.want)
			}
			if d.From != ParseVersion(c.current) || d.Reason == "" {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestPickAfterARevert(t *testing.T) {
	reverted := func(version string, minute int) Rejection {
		return Rejection{Version: ParseVersion(version), Commit: "c0ffee", By: "Ann", At: noon.Add(time.Duration(minute) * time.Minute)}
	}
	semver := Image{Repository: "web", Strategy: Semver}
	newest := Image{Repository: "web", Strategy: NewestBuild}
	for name, c := range map[string]struct {
		image   Image
		current string
		tags    string
		taken   []Rejection
		want    string
	}{
		"stays":                           {semver, "1.0.0", "1.0.0@1 2.0.0@2", []Rejection{reverted("2.0.0", 5)}, "TakenBack 1.0.0"},
		"a newer version goes":            {semver, "1.0.0", "1.0.0@1 2.0.0@2 2.0.1@9", []Rejection{reverted("2.0.0", 5)}, "Update 2.0.1"},
		"a better one built before goes":  {semver, "1.0.0", "1.0.0@1 2.0.0@2 2.0.1@4", []Rejection{reverted("2.0.0", 5)}, "Update 2.0.1"},
		"not to one in between":           {semver, "1.0.0", "1.0.0@1 1.5.0@2 2.0.0@3", []Rejection{reverted("2.0.0", 5)}, "TakenBack 1.0.0"},
		"a later fix of the older line":   {semver, "1.0.0", "1.0.0@1 1.0.1@9 2.0.0@3", []Rejection{reverted("2.0.0", 5)}, "Update 1.0.1"},
		"two taken back":                  {semver, "1.0.0", "1.0.0@1 1.1.0@2 1.2.0@3", []Rejection{reverted("1.2.0", 5), reverted("1.1.0", 6)}, "TakenBack 1.0.0"},
		"a time unknown is not later":     {semver, "1.0.0", "1.0.0 1.0.1 2.0.0", []Rejection{reverted("2.0.0", 5)}, "TakenBack 1.0.0"},
		"set again by a person":           {semver, "2.0.0", "1.0.0@1 2.0.0@2", nil, "UpToDate 2.0.0"},
		"newest build stays":              {newest, "a", "a@1 b@2", []Rejection{reverted("b", 5)}, "TakenBack a"},
		"newest build of reverted source": {newest, "a", "a@1 b@2 c@9", []Rejection{reverted("b", 5)}, "Update c"},
		"digest stays": {Image{Strategy: Digest, Constraint: "latest"}, "latest@sha256:1", "latest=sha256:2",
			[]Rejection{reverted("latest@sha256:2", 5)}, "TakenBack latest@sha256:1"},
		"before the first version": {semver, "", "1.0.0@1", []Rejection{reverted("1.0.0", 5)}, "TakenBack "},
	} {
		t.Run(name, func(t *testing.T) {
			d := Pick(c.image, ParseVersion(c.current), tags(c.tags), c.taken)
			if got := fmt.Sprintf("%s %s", d.Outcome, d.To); got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Reason, c.want)
			}
		})
	}
}

func TestRejections(t *testing.T) {
	const us, ann = "noreply@argoproj.io", "ann@example.com"
	// Steps are written the oldest first, "author version"; - is an absent file, and ann! says in its message that it reverts.
	for name, c := range map[string]struct{ history, want string }{
		"updates only":           {"us v1, us v2, us v3", ""},
		"a revert":               {"us v1, us v2, ann v1", "v2"},
		"a revert in our name":   {"us v1, us v2, us! v1", "v2"},
		"of the first update":    {"us v1, ann -", "v1"},
		"of two":                 {"us v1, us v2, us v3, ann v2, ann v1", "v2 v3"},
		"reverted and again":     {"us v1, us v2, ann v1, ann v2", "v1"},
		"then a newer one":       {"us v1, us v2, ann v1, us v3", "v2"},
		"a person's own version": {"us v1, ann v9", "v1"},
		"another line changed":   {"us v1, us v2, ann v2", ""},
		"nothing":                {"", ""},
		"first seen":             {"ann v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var history []Step
			for i, word := range strings.Split(c.history, ", ") {
				author, version, ok := strings.Cut(word, " ")
				if !ok {
					continue
				}
				step := Step{Commit: fmt.Sprint(i), AuthorEmail: us, Date: noon.Add(time.Duration(i) * time.Minute), Version: ParseVersion(version)}
				if author == "ann" {
					step.AuthorEmail, step.AuthorName = ann, "Ann"
				}
				if author == "us!" {
					step.Message = "Revert \"build: automatic update of echo\"\n\nThis reverts commit 1234.\n"
				}
				if version == "-" {
					step.Version = Version{}
				}
				history = append([]Step{step}, history...)
			}
			var got []string
			for _, rejection := range Rejections(history, us) {
				got = append(got, rejection.Version.String())
			}
			if fmt.Sprint(got) != "["+c.want+"]" {
				t.Errorf("got %v, want [%s]", got, c.want)
			}
		})
	}
}
