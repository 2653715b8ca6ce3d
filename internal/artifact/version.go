package artifact

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// IsConstraint tells whether a target revision leaves a choice, as ">= 1.2" or "1.x" do. A version such as 1.2 is exact.
func IsConstraint(revision string) bool {
	if _, err := semver.NewVersion(revision); err == nil {
		return false
	}
	_, err := semver.NewConstraint(revision)
	return err == nil
}

// newest picks the newest version that fits a constraint. Versions that aren't semantic don't count, and pre-releases only
// if the constraint names one: https://github.com/Masterminds/semver#working-with-prerelease-versions.
func newest(constraint string, versions []string) (string, error) {
	wanted, err := semver.NewConstraint(constraint)
	if err != nil {
		return "", fmt.Errorf("invalid revision '%s': it is neither a version nor a constraint", constraint)
	}
	var best *semver.Version
	for _, text := range versions {
		if version, err := semver.NewVersion(text); err == nil && wanted.Check(version) && (best == nil || version.GreaterThan(best)) {
			best = version
		}
	}
	if best == nil {
		return "", fmt.Errorf("version matching constraint %s not found in %d versions", constraint, len(versions))
	}
	return best.Original(), nil
}

// Tags of OCI may not hold a plus, so that Helm writes an underscore for it.
func versionOfTag(tag string) string     { return strings.ReplaceAll(tag, "_", "+") }
func tagOfVersion(version string) string { return strings.ReplaceAll(version, "+", "_") }
