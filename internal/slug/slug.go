// Package slug makes names for Kubernetes and URLs out of names that people gave, such as those of branches.
//
// It gives exactly the names that Argo CD gives, which come from github.com/gosimple/slug; but that package is configured by
// variables of the whole program, and this one isn't. Start with [Make].
package slug

import (
	"regexp"
	"strings"

	"github.com/gosimple/slug"
)

// Make spells text with lower case letters of ASCII, digits, dashes and underscores, in at most limit bytes; no limit if that
// is 0. Where whole is set, a name that is too long ends after a whole word, if it has one that fits; else the text itself is cut,
// before what isn't allowed in it is replaced.
func Make(text string, limit int, whole bool) string {
	if limit <= 0 {
		return slug.Make(text)
	}
	if whole {
		return firstWords(slug.Make(text), limit)
	}
	return cut(slug.Make(cut(text, limit)), limit)
}

func firstWords(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	if end := strings.LastIndexByte(name[:limit+1], '-'); end >= 0 {
		return name[:end]
	}
	return name[:limit]
}

func cut(name string, limit int) string { return name[:min(len(name), limit)] }

// notDNS is what a name of Kubernetes' DNS form has not.
var notDNS = regexp.MustCompile("[^-a-z0-9.]")

// maxDNSName is how long such a name can be: RFC 1123.
const maxDNSName = 253

// DNSName spells text as the name of a Kubernetes object: lower case letters, digits, dashes and dots, with a letter or digit at
// both ends, in at most 253 bytes. Empty if nothing is left. Argo CD's templates know it as normalize.
func DNSName(text string) string {
	return strings.Trim(cut(notDNS.ReplaceAllString(strings.ToLower(text), "-"), maxDNSName), "-.")
}
