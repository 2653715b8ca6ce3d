package diff

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Desired is a manifest as the API server understands it: the values, and the fields that the manifest owns.
type Desired struct {
	content map[string]any
	owned   ownership
}

// FromApply takes the answer to a server-side apply, dry-run or real, as Manager. It keeps the answer, which must not be
// changed any more.
func FromApply(answer *unstructured.Unstructured) (*Desired, error) {
	o, err := owned(answer)
	if err != nil {
		return nil, err
	}
	return &Desired{content: answer.Object, owned: o}, nil
}

// Compare lists the paths, never the values, of the fields in which the live object isn't what the manifest says: owned
// fields of another value, and fields that a former manifest owned and that are still there. Empty means in sync. The live
// object must be of the manifest's API version, and if what is ignored needs it (NeedsManagers) have its managed fields whole.
func (d *Desired) Compare(live *unstructured.Unstructured, ignore Ignore) ([]string, error) {
	former, err := owned(live)
	if err != nil {
		return nil, err
	}
	view, err := ignore.On(live)
	if err != nil {
		return nil, err
	}
	desired, err := view.strip(d.content)
	if err != nil {
		return nil, err
	}
	actual, err := view.strip(live.Object)
	if err != nil {
		return nil, err
	}
	c := comparison{}
	c.walk(d.owned.fields, desired, actual, nil)
	if former.apiVersion != "" && former.apiVersion != d.owned.apiVersion {
		// The former fields are named in another version and can't be told from renamed ones. One more apply settles it.
		c.differs(fieldpath.Path{}, fieldpath.FieldNameElement("apiVersion"))
	} else {
		c.leftovers(former.fields.Difference(d.owned.fields).Leaves(), actual)
	}
	return c.paths, nil
}

type comparison struct{ paths []string }

func (c *comparison) differs(prefix fieldpath.Path, element fieldpath.PathElement) {
	c.paths = append(c.paths, append(slices.Clone(prefix), element).String())
}

// walk compares the values under each element of the set.
func (c *comparison) walk(set *fieldpath.Set, desired, actual any, prefix fieldpath.Path) {
	if !sameOrder(set, desired, actual) {
		c.paths = append(c.paths, prefix.String())
		return
	}
	for element := range set.Members.All() {
		want, wanted := find(desired, element)
		have, found := find(actual, element)
		if wanted != found {
			c.differs(prefix, element)
			continue
		}
		if _, deeper := set.Children.Get(element); !deeper && !equal(want, have) {
			c.differs(prefix, element)
		}
	}
	for element := range set.Children.All() {
		want, wanted := find(desired, element)
		have, found := find(actual, element)
		switch {
		case wanted && found:
			c.walk(set.Children.Descend(element), want, have, append(slices.Clone(prefix), element))
		case wanted != found && !set.Members.Has(element):
			c.differs(prefix, element)
		}
	}
}

// leftovers reports the paths of the set that the object still has.
func (c *comparison) leftovers(set *fieldpath.Set, actual any) {
	for path := range set.All() {
		value, found := actual, true
		for _, element := range path {
			if value, found = find(value, element); !found {
				break
			}
		}
		if found {
			c.paths = append(c.paths, path.String())
		}
	}
}
