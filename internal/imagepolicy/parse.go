package imagepolicy

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// maxImages bounds one image-list.
const maxImages = 100

// maxPattern bounds a regular expression, in bytes. RE2 matches in linear time, but it is compiled at each look.
const maxPattern = 4096

// AnnotationError is something in an annotation that can't be used.
type AnnotationError struct {
	// Application is the name of the Application, Annotation the full name of the annotation.
	Application, Annotation string
	// Err says what is wrong with the value.
	Err error
}

// Error names application, annotation and problem.
func (e *AnnotationError) Error() string {
	return fmt.Sprintf("reading annotation %s of application %s: %v", e.Annotation, e.Application, e.Err)
}

// Unwrap is the problem with the value.
func (e *AnnotationError) Unwrap() error { return e.Err }

// ErrUnknownType says that the application controller hasn't told yet how the application is rendered. It will.
var ErrUnknownType = errors.New("it is not known yet whether the source is Helm or Kustomize: the application was not compared so far")

// Parse makes a Policy of the annotations of an Application for which Concerns is true. hubNamespace is the namespace of the
// hub: applications elsewhere have their namespace in the default target's name.
//
// The error joins an AnnotationError for each annotation that can't be used; a strategy or pattern that isn't understood is
// never replaced by a default, because that might choose a tag that nobody wanted.
func Parse(app *argo.Application, hubNamespace string) (*Policy, error) {
	p := &parser{app: app, notes: app.Annotations}
	source, index, kind, err := updatedSource(app)
	if err != nil {
		return nil, fmt.Errorf("choosing the source of application %s to update: %w", app.Name, err)
	}
	policy := &Policy{
		Namespace: app.Namespace, App: app.Name, Source: index, Type: kind,
		Images:    p.images(),
		WriteBack: p.writeBack(source, hubNamespace),
	}
	p.checkTargets(policy)
	if err := errors.Join(p.problems...); err != nil {
		return nil, err
	}
	return policy, nil
}

// parser collects the problems on its way, so that a person sees all of them at once.
type parser struct {
	app      *argo.Application
	notes    annotations
	problems []error
}

func (p *parser) problem(annotation, format string, args ...any) {
	p.problems = append(p.problems, &AnnotationError{
		Application: p.app.Name, Annotation: annotation, Err: fmt.Errorf(format, args...),
	})
}

func (p *parser) images() []Image {
	var images []Image
	aliases := map[string]bool{}
	for _, entry := range strings.Split(p.notes.get("image-list"), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if len(images) == maxImages {
			p.problem(ImageListAnnotation, "more than %d images", maxImages)
			break
		}
		image, err := parseEntry(entry)
		if err != nil {
			p.problem(ImageListAnnotation, "%w", err)
			continue
		}
		if image.Alias != "" && aliases[image.Alias] {
			p.problem(ImageListAnnotation, "the alias %q is used twice: each image needs its own", image.Alias)
			continue
		}
		aliases[image.Alias] = true
		p.options(&image)
		images = append(images, image)
	}
	if len(images) == 0 && len(p.problems) == 0 {
		p.problem(ImageListAnnotation, "no image is listed")
	}
	return images
}

// parseEntry reads [alias=]name[:constraint]. An equals sign behind a colon belongs to the constraint (nginx:>=1.2).
func parseEntry(entry string) (Image, error) {
	var image Image
	rest := entry
	if alias, after, ok := strings.Cut(entry, "="); ok && !strings.Contains(alias, ":") {
		image.Alias, rest = strings.TrimSpace(alias), strings.TrimSpace(after)
		if image.Alias == "" {
			return image, fmt.Errorf("the entry %q has an empty alias", entry)
		}
	}
	// The constraint begins at the first colon behind the last slash of the name; it may hold spaces and operators.
	slash := strings.LastIndexByte(rest, '/') + 1
	name, constraint, _ := strings.Cut(rest[slash:], ":")
	image.Repository, image.Constraint = strings.TrimSpace(rest[:slash]+name), strings.TrimSpace(constraint)
	if err := checkRepository(image.Repository); err != nil {
		return image, fmt.Errorf("the entry %q: %w", entry, err)
	}
	return image, nil
}

// options reads what further annotations say about the image.
func (p *parser) options(image *Image) {
	p.strategy(image)
	p.filters(image)
	if value, name := p.notes.ofImageOrAll(image.Alias, keyForce); value != "" {
		force, err := strconv.ParseBool(value)
		if err != nil {
			p.problem(name, "%q is neither true nor false", value)
		}
		image.Force = force
	}
	if value, name := p.notes.ofImageOrAll(image.Alias, keyPullSecret); value != "" {
		ref, err := ParsePullSecret(value)
		if err != nil {
			p.problem(name, "%w", err)
		}
		image.PullSecret = ref
	}
	value, name := p.notes.ofImage(image.Alias, keyPlatforms)
	for _, platform := range splitList(value) {
		if n := strings.Count(platform, "/"); n < 1 || n > 2 {
			p.problem(name, "%q is no platform: want os/arch or os/arch/variant", platform)
		}
		image.Platforms = append(image.Platforms, platform)
	}
	image.HelmName, _ = p.notes.ofImage(image.Alias, keyHelmName)
	image.HelmTag, _ = p.notes.ofImage(image.Alias, keyHelmTag)
	image.HelmSpec, _ = p.notes.ofImage(image.Alias, keyHelmSpec)
	image.KustomizeName, _ = p.notes.ofImage(image.Alias, keyKustomizeName)
}

func (p *parser) strategy(image *Image) {
	value, name := p.notes.ofImageOrAll(image.Alias, keyStrategy)
	switch value {
	case "", "semver":
		image.Strategy = Semver
	case "newest-build", "latest":
		image.Strategy = NewestBuild
	case "digest":
		image.Strategy = Digest
	case "alphabetical", "name":
		image.Strategy = Alphabetical
	default:
		p.problem(name, "%q is no update strategy: use semver, newest-build, digest or alphabetical", value)
	}
	switch {
	case image.Strategy == Digest && image.Constraint == "":
		p.problem(ImageListAnnotation, "the image %s follows a digest and needs the tag to follow, as in %s:latest",
			image.Repository, image.Repository)
	case image.Strategy == Semver && image.Constraint != "":
		if _, err := semver.NewConstraint(image.Constraint); err != nil {
			p.problem(ImageListAnnotation, "%q of the image %s is no version constraint (as 1.x or ~1.2): %w",
				image.Constraint, image.Repository, err)
		}
	}
}

func (p *parser) filters(image *Image) {
	value, name := p.notes.ofImageOrAll(image.Alias, keyAllowTags)
	pattern, isPattern := strings.CutPrefix(value, "regexp:")
	switch {
	case value == "" || value == "any":
	case !isPattern:
		p.problem(name, "%q is no match function: use regexp:PATTERN or any", value)
	case len(pattern) > maxPattern:
		p.problem(name, "the regular expression is longer than %d bytes", maxPattern)
	default:
		allow, err := regexp.Compile(pattern)
		if err != nil {
			p.problem(name, "the tag pattern is no regular expression: %w", err)
		}
		image.Allow = allow
	}
	value, name = p.notes.ofImageOrAll(image.Alias, keyIgnoreTags)
	for _, glob := range splitList(value) {
		if _, err := path.Match(glob, ""); err != nil {
			p.problem(name, "%q is no glob pattern: %w", glob, err)
		}
		image.Ignore = append(image.Ignore, glob)
	}
}

func splitList(s string) []string {
	var list []string
	for _, item := range strings.Split(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
