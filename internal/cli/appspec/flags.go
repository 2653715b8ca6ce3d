// Package appspec are the flags that describe an application: argocd's, each with what it sets in the spec. It talks to
// no hub; the commands that have these flags do.
//
// Start with Flags: the tables of flags are in source.go, hydrator.go and spec.go.
package appspec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Flags are the flags of one command.
type Flags struct {
	set   *pflag.FlagSet
	names []string
	// Read reads what --values-literal-file names; nil refuses.
	Read func(file string) ([]byte, error)
}

// Add adds the flags to a command's.
func Add(set *pflag.FlagSet) *Flags {
	f := &Flags{set: set}
	before := map[string]bool{}
	set.VisitAll(func(flag *pflag.Flag) { before[flag.Name] = true })
	for _, o := range sourceOptions(f) {
		o.add(set)
	}
	for _, o := range specOptions() {
		o.add(set)
	}
	for _, o := range hydratorOptions() {
		o.add(set)
	}
	set.StringArrayP("parameter", "p", nil, "NAME=VALUE of a Helm parameter to override; may be repeated")
	set.Bool("validate", true, "have the hub check repository and cluster")
	set.String("env", "", "accepted for argocd's sake, without effect")
	_ = set.MarkHidden("env") // it was added one line above
	set.VisitAll(func(flag *pflag.Flag) {
		if !before[flag.Name] {
			f.names = append(f.names, flag.Name)
		}
	})
	return f
}

// Validate is the value of --validate.
func (f *Flags) Validate() *bool {
	value, err := f.set.GetBool("validate")
	if err != nil {
		value = true
	}
	return &value
}

// Set sets in a spec what the flags say. Position is that of the source meant, counted from 1; 0 or less is the first or
// only one.
func (f *Flags) Set(spec *v1alpha1.ApplicationSpec, position int) error {
	if err := f.hydrator(spec); err != nil {
		return err
	}
	source, err := At(spec, position)
	if err != nil {
		return err
	}
	given, err := f.Source(source)
	switch {
	case err != nil:
		return err
	case spec.SourceHydrator != nil && (given || f.set.Changed("parameter")):
		return errors.New("setting a source: the application is deployed from its source hydrator's; use --dry-source-… and --sync-source-…, or edit spec.sourceHydrator")
	case given && !spec.HasSeveralSources():
		spec.Source = source
	}
	for _, o := range specOptions() {
		if f.set.Changed(o.name) {
			if err := o.apply(f.set, spec); err != nil {
				return fmt.Errorf("--%s: %w", o.name, err)
			}
		}
	}
	tidyPolicy(spec)
	return nil
}

// Given holds when at least one of the flags was given.
func (f *Flags) Given() bool { return slices.ContainsFunc(f.names, f.set.Changed) }

// Source sets in a source what the flags say; false when they say nothing of sources.
func (f *Flags) Source(source *v1alpha1.ApplicationSource) (bool, error) {
	given := false
	for _, o := range sourceOptions(f) {
		if !f.set.Changed(o.name) {
			continue
		}
		given = true
		if err := o.apply(f.set, source); err != nil {
			return given, fmt.Errorf("--%s: %w", o.name, err)
		}
	}
	tidySource(source)
	return given, nil
}

// Parameters overrides Helm parameters of a source, whose type is known of the application or guessed.
func (f *Flags) Parameters(source *v1alpha1.ApplicationSource, known v1alpha1.ApplicationSourceType) error {
	parameters, err := f.set.GetStringArray("parameter")
	if err != nil || len(parameters) == 0 {
		return err
	}
	kind := explicitType(source)
	if kind == "" {
		kind = known
	}
	if kind == "" && strings.Contains(parameters[0], "=") {
		kind = v1alpha1.ApplicationSourceTypeHelm
	}
	if kind != v1alpha1.ApplicationSourceTypeHelm {
		return fmt.Errorf("Parameters can only be set against Helm applications")
	}
	return setParameters(source, parameters, false)
}

// hydrator sets what the flags say of a source hydrator, which is new if there was none.
func (f *Flags) hydrator(spec *v1alpha1.ApplicationSpec) error {
	for _, o := range hydratorOptions() {
		if !f.set.Changed(o.name) {
			continue
		}
		if spec.SourceHydrator == nil {
			spec.SourceHydrator = &v1alpha1.SourceHydrator{}
		}
		if err := o.apply(f.set, spec.SourceHydrator); err != nil {
			return fmt.Errorf("--%s: %w", o.name, err)
		}
	}
	return nil
}

// At is the source at a position, counted from 1; that of an application with one source, which may be new, for any. Of a source
// hydrator it is a copy of what is rendered.
func At(spec *v1alpha1.ApplicationSpec, position int) (*v1alpha1.ApplicationSource, error) {
	switch {
	case spec.SourceHydrator != nil:
		dry := spec.SourceHydrator.Dry()
		return &dry, nil
	case len(spec.Sources) == 0 && spec.Source == nil:
		return &v1alpha1.ApplicationSource{}, nil
	case len(spec.Sources) == 0:
		return spec.Source, nil
	case position > len(spec.Sources):
		return nil, fmt.Errorf("Source position should be less than the number of sources in the application")
	case position <= 0:
		position = 1
	}
	return &spec.Sources[position-1], nil
}

func explicitType(source *v1alpha1.ApplicationSource) v1alpha1.ApplicationSourceType {
	switch {
	case source.Kustomize != nil:
		return v1alpha1.ApplicationSourceTypeKustomize
	case source.Helm != nil:
		return v1alpha1.ApplicationSourceTypeHelm
	case source.Directory != nil:
		return v1alpha1.ApplicationSourceTypeDirectory
	case source.Plugin != nil:
		return v1alpha1.ApplicationSourceTypePlugin
	}
	return ""
}

// option is one flag, and what it sets in a T.
type option[T any] struct {
	name  string
	add   func(*pflag.FlagSet)
	apply func(*pflag.FlagSet, *T) error
}

func text[T any](name, usage string, set func(*T, string) error) option[T] {
	return option[T]{name, func(f *pflag.FlagSet) { f.String(name, "", usage) }, func(f *pflag.FlagSet, t *T) error {
		value, err := f.GetString(name)
		if err != nil {
			return err
		}
		return set(t, value)
	}}
}

func list[T any](name, usage string, set func(*T, []string) error) option[T] {
	return option[T]{name, func(f *pflag.FlagSet) { f.StringArray(name, nil, usage) }, func(f *pflag.FlagSet, t *T) error {
		value, err := f.GetStringArray(name)
		if err != nil {
			return err
		}
		return set(t, value)
	}}
}

func toggle[T any](name, usage string, set func(*T, bool)) option[T] {
	return option[T]{name, func(f *pflag.FlagSet) { f.Bool(name, false, usage) }, func(f *pflag.FlagSet, t *T) error {
		value, err := f.GetBool(name)
		if err == nil {
			set(t, value)
		}
		return err
	}}
}

// Pairs reads KEY=VALUE.
func Pairs(texts []string) (map[string]string, error) {
	if texts == nil {
		return nil, nil
	}
	pairs := map[string]string{}
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || strings.Contains(value, "=") {
			return nil, fmt.Errorf("labels should have key=value, but instead got: %s", text)
		}
		pairs[key] = value
	}
	return pairs, nil
}
