package kustomize

//lint:file-ignore SA1019 commonLabels is the field that Argo CD's option edits, selectors included

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// edit applies an Application's options to the text of a kustomization, with the effects of the `kustomize edit` commands
// that Argo CD runs.
func edit(files fs.FS, root string, content []byte, options *v1alpha1.ApplicationSourceKustomize, expand func(string) string) ([]byte, error) {
	var k types.Kustomization
	if err := k.Unmarshal(content); err != nil {
		return nil, err
	}
	// Takes up old fields, such as bases.
	k.FixKustomization()
	if options.NamePrefix != "" {
		k.NamePrefix = options.NamePrefix
	}
	if options.NameSuffix != "" {
		k.NameSuffix = options.NameSuffix
	}
	if options.Namespace != "" {
		k.Namespace = options.Namespace
	}
	for _, image := range options.Images {
		override, err := parseImage(expand(string(image)))
		if err != nil {
			return nil, err
		}
		setImage(&k, override)
	}
	for _, replica := range options.Replicas {
		count, err := replicaCount(replica.Count)
		if err != nil {
			return nil, fmt.Errorf("replicas of %q: %w", replica.Name, err)
		}
		k.Replicas = slices.DeleteFunc(k.Replicas, func(r types.Replica) bool { return r.Name == replica.Name })
		k.Replicas = append(k.Replicas, types.Replica{Name: replica.Name, Count: count})
	}
	if err := addLabels(&k, options, expand); err != nil {
		return nil, err
	}
	if err := addAnnotations(&k, options, expand); err != nil {
		return nil, err
	}
	for _, patch := range options.Patches {
		k.Patches = append(k.Patches, convertPatch(patch))
	}
	if err := addComponents(&k, files, root, options); err != nil {
		return nil, err
	}
	return yaml.Marshal(k)
}

// parseImage reads [old=]name[:tag][@digest].
func parseImage(text string) (types.Image, error) {
	name, value, renamed := strings.Cut(text, "=")
	if !renamed {
		value = name
	}
	image := types.Image{}
	value, image.Digest, _ = strings.Cut(value, "@")
	// A colon after the last slash starts the tag; one before it belongs to the registry's port.
	if colon := strings.LastIndex(value, ":"); colon > strings.LastIndex(value, "/") {
		value, image.NewTag = value[:colon], value[colon+1:]
	}
	image.Name = value
	if renamed {
		// The old name may carry a tag, which doesn't count: images are found by name.
		if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
			name = name[:colon]
		}
		image.Name = name
		if value != name {
			image.NewName = value
		}
	}
	if image.Name == "" || image.NewName == "" && image.NewTag == "" && image.Digest == "" {
		return types.Image{}, fmt.Errorf("image %q: write it as [old=]name[:tag][@digest], with something new in it", text)
	}
	return image, nil
}

// setImage replaces the override of the same name. What the new one leaves open stays as it was, but for tag and digest,
// which exclude each other.
func setImage(k *types.Kustomization, image types.Image) {
	i := slices.IndexFunc(k.Images, func(old types.Image) bool { return old.Name == image.Name })
	if i < 0 {
		k.Images = append(k.Images, image)
		return
	}
	old := &k.Images[i]
	if image.NewName != "" {
		old.NewName = image.NewName
	}
	if image.NewTag != "" || image.Digest != "" {
		old.NewTag, old.Digest = image.NewTag, image.Digest
		old.TagSuffix = ""
	}
}

func replicaCount(count intstr.IntOrString) (int64, error) {
	if count.Type == intstr.Int {
		return int64(count.IntVal), nil
	}
	parsed, err := strconv.ParseInt(count.StrVal, 10, 64)
	if err != nil || parsed < 0 {
		return 0, fmt.Errorf("%q is not a number of replicas", count.StrVal)
	}
	return parsed, nil
}

// addLabels adds common labels. One that the kustomization already has is an error unless forced, as with kustomize edit.
func addLabels(k *types.Kustomization, options *v1alpha1.ApplicationSourceKustomize, expand func(string) string) error {
	if len(options.CommonLabels) == 0 {
		return nil
	}
	if options.LabelIncludeTemplates && !options.LabelWithoutSelector {
		return errors.New("labelIncludeTemplates needs labelWithoutSelector: with selectors the templates have the labels anyway")
	}
	labels := make(map[string]string, len(options.CommonLabels))
	for name, value := range options.CommonLabels {
		labels[name] = expand(value)
	}
	if !options.ForceCommonLabels {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if _, exists := k.CommonLabels[name]; exists {
				return fmt.Errorf("label %q is already in the kustomization: set forceCommonLabels to replace it", name)
			}
		}
	}
	if options.LabelWithoutSelector {
		for name := range labels {
			delete(k.CommonLabels, name)
		}
		k.Labels = append(k.Labels, types.Label{Pairs: labels, IncludeTemplates: options.LabelIncludeTemplates})
		return nil
	}
	if k.CommonLabels == nil {
		k.CommonLabels = map[string]string{}
	}
	maps.Copy(k.CommonLabels, labels)
	return nil
}

func addAnnotations(k *types.Kustomization, options *v1alpha1.ApplicationSourceKustomize, expand func(string) string) error {
	for _, name := range slices.Sorted(maps.Keys(options.CommonAnnotations)) {
		value := options.CommonAnnotations[name]
		if options.CommonAnnotationsEnvsubst {
			value = expand(value)
		}
		if _, exists := k.CommonAnnotations[name]; exists && !options.ForceCommonAnnotations {
			return fmt.Errorf("annotation %q is already in the kustomization: set forceCommonAnnotations to replace it", name)
		}
		if k.CommonAnnotations == nil {
			k.CommonAnnotations = map[string]string{}
		}
		k.CommonAnnotations[name] = value
	}
	return nil
}

func convertPatch(patch v1alpha1.KustomizePatch) types.Patch {
	converted := types.Patch{Path: patch.Path, Patch: patch.Patch}
	if len(patch.Options) > 0 {
		converted.Options = &types.PatchArgs{
			AllowNameChange: patch.Options["allowNameChange"],
			AllowKindChange: patch.Options["allowKindChange"],
		}
	}
	if target := patch.Target; target != nil {
		converted.Target = &types.Selector{
			ResId: resid.ResId{
				Gvk:       resid.Gvk{Group: target.Group, Version: target.Version, Kind: target.Kind},
				Name:      target.Name,
				Namespace: target.Namespace,
			},
			AnnotationSelector: target.AnnotationSelector,
			LabelSelector:      target.LabelSelector,
		}
	}
	return converted
}

func addComponents(k *types.Kustomization, files fs.FS, root string, options *v1alpha1.ApplicationSourceKustomize) error {
	for _, component := range options.Components {
		if options.IgnoreMissingComponents && !isRemote(component) {
			_, err := fs.Stat(files, path.Join(root, component))
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
				continue
			}
		}
		if !slices.Contains(k.Components, component) {
			k.Components = append(k.Components, component)
		}
	}
	return nil
}
