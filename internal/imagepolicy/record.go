package imagepolicy

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Setting is an image, and the version to write down for it.
type Setting struct {
	Image   Image
	Version Version
}

// kustomizationNames are the names that Kustomize looks for, in its order.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// TargetFile is the path of the file to edit in a repository's tree. A kustomization must exist; the other files are made if
// they don't.
func (p *Policy) TargetFile(tree fs.FS) (string, error) {
	target := p.WriteBack.Target
	if target.Kind != Kustomization {
		return target.Path, nil
	}
	for _, name := range kustomizationNames {
		file := path.Join(target.Path, name)
		if info, err := fs.Stat(tree, file); err == nil && !info.IsDir() {
			return file, nil
		}
	}
	return "", fmt.Errorf("finding the kustomization of application %s: the folder %q has no kustomization.yaml: mend the annotation %s",
		p.App, target.Path, AnnotationPrefix+keyTarget)
}

// Recorded reads the versions of all images of the policy, in its order, from the content of the target file. A version that
// isn't there is zero; so are all of an empty file.
func (p *Policy) Recorded(content []byte) ([]Version, error) {
	versions := make([]Version, len(p.Images))
	if len(content) == 0 {
		return versions, nil
	}
	d, err := parseDocument(content)
	if err != nil {
		return nil, fmt.Errorf("reading the image versions of application %s: %w", p.App, err)
	}
	for i, image := range p.Images {
		switch {
		case p.WriteBack.Target.Kind == Kustomization:
			versions[i] = image.kustomized(field(d.root, "images"))
		case p.WriteBack.Target.Kind == HelmValues:
			if node := d.value(image.tagParameter()); node != nil {
				versions[i], _ = image.fromHelm(image.tagParameter(), node.Value)
			}
		case p.Type == argo.ApplicationSourceTypeKustomize:
			versions[i] = image.overridden(field(field(d.root, "kustomize"), "images"))
		default:
			versions[i] = image.parameter(field(field(d.root, "helm"), "parameters"))
		}
	}
	return versions, nil
}

// Record returns the content of the target file with the settings written down. Everything else in it stays; an empty
// content is a file that doesn't exist yet. Equal settings give equal content.
func (p *Policy) Record(content []byte, settings []Setting) ([]byte, error) {
	d, err := parseDocument(content)
	if err != nil {
		return nil, fmt.Errorf("editing the image versions of application %s: %w", p.App, err)
	}
	for _, s := range settings {
		switch {
		case p.WriteBack.Target.Kind == Kustomization:
			err = d.setKustomization(s)
		case p.WriteBack.Target.Kind == HelmValues:
			err = d.setValues(s)
		case p.Type == argo.ApplicationSourceTypeKustomize:
			err = d.setOverride(s)
		default:
			err = d.setParameters(s)
		}
		if err != nil {
			return nil, fmt.Errorf("editing the version of image %s of application %s: %w", s.Image.Repository, p.App, err)
		}
	}
	return d.bytes()
}

// parameter reads the version from a list of Helm parameters.
func (i Image) parameter(list *yaml.Node) Version {
	if list == nil {
		return Version{}
	}
	for _, entry := range list.Content {
		name, value := field(entry, "name"), field(entry, "value")
		if name != nil && value != nil {
			if version, ok := i.fromHelm(name.Value, value.Value); ok {
				return version
			}
		}
	}
	return Version{}
}

// setParameters writes helm.parameters of a source file: name, value and forcestring of each, new ones in the order of names.
func (d *document) setParameters(s Setting) error {
	helm, err := d.ensure(d.root, "helm", yaml.MappingNode)
	if err != nil {
		return err
	}
	list, err := d.ensure(helm, "parameters", yaml.SequenceNode)
	if err != nil {
		return err
	}
	for _, parameter := range s.Image.helmParameters(s.Version) {
		if err := d.setParameter(list, parameter); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) setParameter(list *yaml.Node, parameter argo.HelmParameter) error {
	place := len(list.Content)
	for n, entry := range list.Content {
		name := field(entry, "name")
		if name == nil {
			continue
		}
		if name.Value == parameter.Name {
			return d.setField(resolve(entry), "value", parameter.Value)
		}
		if name.Value > parameter.Name {
			place = min(place, n)
		}
	}
	d.reshaped = true
	list.Style &^= yaml.FlowStyle
	list.Content = slices.Insert(list.Content, place, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		textNode("name"), textNode(parameter.Name),
		textNode("value"), textNode(parameter.Value),
		textNode("forcestring"), {Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: "true"},
	}})
	return nil
}

// overridden reads the version from kustomize.images of a source file.
func (i Image) overridden(list *yaml.Node) Version {
	if list == nil {
		return Version{}
	}
	for _, entry := range list.Content {
		if name, reference := parseOverride(entry.Value); name != "" && SameRepository(name, i.manifestName()) {
			return reference.Version
		}
	}
	return Version{}
}

// setOverride writes kustomize.images of a source file: name=image:tag for each.
func (d *document) setOverride(s Setting) error {
	kustomize, err := d.ensure(d.root, "kustomize", yaml.MappingNode)
	if err != nil {
		return err
	}
	list, err := d.ensure(kustomize, "images", yaml.SequenceNode)
	if err != nil {
		return err
	}
	for _, entry := range list.Content {
		if name, _ := parseOverride(entry.Value); name != "" && SameRepository(name, s.Image.manifestName()) {
			return d.setScalar(resolve(entry), "images", s.Image.override(s.Version))
		}
	}
	d.reshaped = true
	list.Style &^= yaml.FlowStyle
	list.Content = append(list.Content, textNode(s.Image.override(s.Version)))
	return nil
}

// kustomized reads the version from the images of a kustomization.
func (i Image) kustomized(list *yaml.Node) Version {
	entry := i.entry(list)
	var version Version
	if tag := field(entry, "newTag"); tag != nil {
		version.Tag = tag.Value
	}
	if digest := field(entry, "digest"); digest != nil {
		version.Digest = digest.Value
	}
	return version
}

func (i Image) entry(list *yaml.Node) *yaml.Node {
	if list == nil {
		return nil
	}
	for _, entry := range list.Content {
		if name := field(entry, "name"); name != nil && SameRepository(name.Value, i.manifestName()) {
			return resolve(entry)
		}
	}
	return nil
}

// setKustomization writes images of a kustomization, as `kustomize edit set image` does.
func (d *document) setKustomization(s Setting) error {
	list, err := d.ensure(d.root, "images", yaml.SequenceNode)
	if err != nil {
		return err
	}
	entry := s.Image.entry(list)
	if entry == nil {
		d.reshaped = true
		list.Style &^= yaml.FlowStyle
		entry = &yaml.Node{Kind: yaml.MappingNode}
		list.Content = append(list.Content, entry)
		if err := d.setField(entry, "name", s.Image.manifestName()); err != nil {
			return err
		}
	}
	// newName is needed only where the manifests use another name; one that is there would else override the listed image.
	if !SameRepository(s.Image.manifestName(), s.Image.Repository) || field(entry, "newName") != nil {
		if err := d.setField(entry, "newName", s.Image.Repository); err != nil {
			return err
		}
	}
	if s.Version.Digest == "" {
		d.removeField(entry, "digest")
	} else if err := d.setField(entry, "digest", s.Version.Digest); err != nil {
		return err
	}
	if s.Version.Tag == "" {
		d.removeField(entry, "newTag")
		return nil
	}
	// Beside a digest the tag counts for nothing, but it tells people what the digest was.
	return d.setField(entry, "newTag", s.Version.Tag)
}

// setValues writes a Helm values file. The image's name is written only if an annotation says where.
func (d *document) setValues(s Setting) error {
	for _, parameter := range s.Image.helmParameters(s.Version) {
		if parameter.Name == s.Image.nameParameter() && s.Image.HelmName == "" {
			continue
		}
		if err := d.setValue(parameter.Name, parameter.Value); err != nil {
			return err
		}
	}
	return nil
}

// value finds a value by its path; nil if it isn't there. A key that is spelled with its dots comes before the path.
func (d *document) value(name string) *yaml.Node {
	if node := field(d.root, name); node != nil {
		return node
	}
	node := d.root
	for _, key := range strings.Split(name, ".") {
		if node = element(node, key); node == nil {
			return nil
		}
	}
	return node
}

func (d *document) setValue(name, value string) error {
	if node := d.value(name); node != nil {
		return d.setScalar(node, name, value)
	}
	keys := strings.Split(name, ".")
	node := d.root
	for _, key := range keys[:len(keys)-1] {
		next := element(node, key)
		if next == nil || next.Kind == yaml.ScalarNode {
			if strings.HasSuffix(key, "]") {
				return fmt.Errorf("the values file has no list element %s of %s: add it first", key, name)
			}
			var err error
			if next, err = d.ensure(node, key, yaml.MappingNode); err != nil {
				return err
			}
		}
		node = next
	}
	last := keys[len(keys)-1]
	if node.Kind != yaml.MappingNode || strings.HasSuffix(last, "]") {
		return fmt.Errorf("the values file has no place for %s: add it first", name)
	}
	return d.setField(node, last, value)
}

// element is the value of a key, or of a list's element as key[2]; nil if there is none.
func element(node *yaml.Node, key string) *yaml.Node {
	if value := field(node, key); value != nil {
		return value
	}
	name, rest, ok := strings.Cut(strings.TrimSuffix(key, "]"), "[")
	if !ok || !strings.HasSuffix(key, "]") {
		return nil
	}
	list, index := field(node, name), 0
	for _, digit := range rest {
		if digit < '0' || digit > '9' || index > 1<<20 {
			return nil
		}
		index = index*10 + int(digit-'0')
	}
	if list == nil || list.Kind != yaml.SequenceNode || index >= len(list.Content) || rest == "" {
		return nil
	}
	return resolve(list.Content[index])
}

// Slot names the place of an image in the target file: two images with equal slots overwrite each other.
func (p *Policy) Slot(image Image) string {
	if p.WriteBack.Target.Kind == Kustomization || p.WriteBack.Target.Kind == SourceFile && p.Type == argo.ApplicationSourceTypeKustomize {
		host, path := SplitRegistry(image.manifestName())
		return "image " + host + "/" + path
	}
	return "value " + image.tagParameter()
}
