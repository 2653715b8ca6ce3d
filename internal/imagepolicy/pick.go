package imagepolicy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// Tag is what a registry says of one tag.
type Tag struct {
	Name string
	// Digest is that of the manifest or index; needed for the strategy Digest, else it may be empty.
	Digest string
	// Created is when the image was built; zero means unknown. NewestBuild needs it, and so does a choice among tags after
	// a person took one back.
	Created time.Time
}

// Outcome is the kind of a Decision.
type Outcome string

// The outcomes.
const (
	// Update means that the image is to change.
	Update Outcome = "Update"
	// UpToDate means that the newest allowed version is there already.
	UpToDate Outcome = "UpToDate"
	// NoCandidate means that no tag of the registry is allowed.
	NoCandidate Outcome = "NoCandidate"
	// TakenBack means that the newest allowed version was there, and a person replaced it.
	TakenBack Outcome = "TakenBack"
)

// Decision is what to do with one image.
type Decision struct {
	Outcome Outcome
	// From is the version now, To the version wanted: equal unless the outcome is Update.
	From, To Version
	// Reason is for people.
	Reason string
	// Rejection is set for TakenBack.
	Rejection *Rejection
}

// Candidates returns those names of tags that the image's filters and constraint allow, the best last; where the strategy
// needs the time of a build, which the names don't tell, in the order of bytes.
func (i Image) Candidates(names []string) []string {
	allowed := make([]string, 0, len(names))
	for _, name := range names {
		if i.allows(name) {
			allowed = append(allowed, name)
		}
	}
	switch i.Strategy {
	case Digest:
		allowed = slices.DeleteFunc(allowed, func(name string) bool { return name != i.Constraint })
	case Semver:
		return i.semverCandidates(allowed)
	}
	slices.Sort(allowed)
	return allowed
}

// validTag is the OCI distribution specification's form of a tag. What a registry says beyond it is not for our files.
var validTag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

func (i Image) allows(tag string) bool {
	if !validTag.MatchString(tag) {
		return false
	}
	for _, glob := range i.Ignore {
		if ignored, err := path.Match(glob, tag); err == nil && ignored {
			return false
		}
	}
	return i.Allow == nil || i.Allow.MatchString(tag)
}

func (i Image) semverCandidates(names []string) []string {
	var constraint *semver.Constraints
	if i.Constraint != "" {
		var err error
		if constraint, err = semver.NewConstraint(i.Constraint); err != nil {
			return nil // Parse refuses it
		}
	}
	type versioned struct {
		name    string
		version *semver.Version
	}
	var versions []versioned
	for _, name := range names {
		// Tags that are no versions are not this strategy's business.
		version, err := semver.NewVersion(name)
		if err == nil && (constraint == nil || constraint.Check(version)) {
			versions = append(versions, versioned{name, version})
		}
	}
	slices.SortFunc(versions, func(a, b versioned) int {
		if c := a.version.Compare(b.version); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name) // v1.2 and 1.2.0 are equal: any order will do that is always the same
	})
	sorted := make([]string, len(versions))
	for n, v := range versions {
		sorted[n] = v.name
	}
	return sorted
}

// NeedsTimes tells whether Pick needs Tag.Created of the candidates.
func (i Image) NeedsTimes(rejections []Rejection) bool {
	return i.Strategy == NewestBuild || len(rejections) > 0 && i.Strategy != Digest
}

// Pick chooses among the tags of a registry. current is the version that the application has now.
//
// The best candidate wins, even if it is older than current: the constraint says what is allowed. A version that a person
// took back (rejections) is not chosen again. Instead, the application stays where the person put it, until there is a
// candidate that is better than all that was taken back, or one that was built after it was: so a fix of an older line
// (1.2.1 after 2.0.0 was reverted) does arrive.
func Pick(image Image, current Version, tags []Tag, rejections []Rejection) Decision {
	ranked := image.rank(tags, current)
	if len(ranked) == 0 {
		return Decision{Outcome: NoCandidate, From: current, To: current,
			Reason: fmt.Sprintf("none of the %d tags of %s is allowed", len(tags), image.Repository)}
	}
	var taken *Rejection
	for _, tag := range slices.Backward(ranked) {
		version := image.version(tag)
		if image.same(version, current) {
			if taken != nil {
				break
			}
			return Decision{Outcome: UpToDate, From: current, To: current, Reason: "it is the newest allowed version"}
		}
		if rejection := rejected(image, version, rejections); rejection != nil {
			if taken == nil || rejection.At.After(taken.At) {
				taken = rejection
			}
			continue
		}
		if taken != nil && !tag.Created.After(taken.At) {
			continue
		}
		return Decision{Outcome: Update, From: current, To: version,
			Reason: fmt.Sprintf("%s is the newest of %d allowed tags", version, len(ranked))}
	}
	return Decision{Outcome: TakenBack, From: current, To: current, Rejection: taken, Reason: taken.String()}
}

// rank returns the candidates, the best last.
func (i Image) rank(tags []Tag, current Version) []Tag {
	byName := make(map[string]Tag, len(tags))
	names := make([]string, 0, len(tags))
	for _, tag := range tags {
		if _, twice := byName[tag.Name]; !twice {
			names = append(names, tag.Name)
		}
		byName[tag.Name] = tag
	}
	var ranked []Tag
	for _, name := range i.Candidates(names) {
		tag := byName[name]
		unusable := i.Strategy == NewestBuild && tag.Created.IsZero() || i.Strategy == Digest && tag.Digest == ""
		if !unusable {
			ranked = append(ranked, tag)
		}
	}
	if i.Strategy == NewestBuild {
		slices.SortStableFunc(ranked, func(a, b Tag) int { return a.Created.Compare(b.Created) })
	}
	return i.preferCurrent(ranked, current)
}

// preferCurrent puts the current version last among its equals: a second name of the same thing is no reason to deploy.
func (i Image) preferCurrent(ranked []Tag, current Version) []Tag {
	at := slices.IndexFunc(ranked, func(tag Tag) bool { return i.same(i.version(tag), current) })
	if at < 0 {
		return ranked
	}
	for ; at+1 < len(ranked) && i.equal(ranked[at], ranked[at+1]); at++ {
		ranked[at], ranked[at+1] = ranked[at+1], ranked[at]
	}
	return ranked
}

func (i Image) equal(a, b Tag) bool {
	switch i.Strategy {
	case Semver:
		va, errA := semver.NewVersion(a.Name)
		vb, errB := semver.NewVersion(b.Name)
		return errA == nil && errB == nil && va.Equal(vb)
	case NewestBuild:
		return a.Digest != "" && a.Digest == b.Digest
	}
	return false
}

// version is how the tag is written down.
func (i Image) version(tag Tag) Version {
	if i.Strategy == Digest {
		return Version{Tag: tag.Name, Digest: tag.Digest}
	}
	return Version{Tag: tag.Name}
}

// same tells whether two versions are one to the image's strategy: tags stand for one image each, except to Digest.
func (i Image) same(a, b Version) bool {
	if i.Strategy == Digest {
		return a.Digest == b.Digest && a.Digest != ""
	}
	return a.Tag == b.Tag && a.Tag != ""
}
