package imagepolicy

import (
	"regexp"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Policy is everything that the annotations of one Application say about image updates.
type Policy struct {
	// Namespace and App name the Application.
	Namespace, App string
	// Source is the index, in Spec.AllSources, of the source whose images are updated.
	Source int
	// Type is the renderer of that source: Helm or Kustomize.
	Type argo.ApplicationSourceType
	// Images are the listed images, in the order of the list.
	Images []Image
	// WriteBack is where choices are written to.
	WriteBack WriteBack
}

// Image is one entry of the image-list, with its options.
type Image struct {
	// Alias names the entry in other annotations; empty if it has none.
	Alias string
	// Repository is the name as listed, without constraint.
	Repository string
	// Constraint is a semver range (semver) or the one tag to follow (digest); empty means any.
	Constraint string
	Strategy   Strategy
	// Allow matches the tags to consider; nil means all.
	Allow *regexp.Regexp
	// Ignore are globs of tags not to consider.
	Ignore []string
	// Force updates the image even if the application is not seen to run it.
	Force bool
	// PullSecret says where the registry's credentials are; zero means the registry's own configuration.
	PullSecret SecretRef
	// Platforms such as linux/amd64 that an image must have one of, where the strategy looks into images; empty means any.
	Platforms []string
	// HelmName, HelmTag and HelmSpec are the names of Helm parameters for the image's name, its tag, and both in one. Empty
	// means not given; HelmSpec wins.
	HelmName, HelmTag, HelmSpec string
	// KustomizeName is the image's name in the manifests, if that is another one than Repository.
	KustomizeName string
}

// Strategy is the order that makes one tag the newest.
type Strategy string

// The strategies. Upstream's older names latest and name are accepted for NewestBuild and Alphabetical.
const (
	// Semver takes the highest semantic version.
	Semver Strategy = "semver"
	// NewestBuild takes the image that was built last.
	NewestBuild Strategy = "newest-build"
	// Digest follows one tag that moves, and writes down its digest.
	Digest Strategy = "digest"
	// Alphabetical takes the last in the order of bytes.
	Alphabetical Strategy = "alphabetical"
)

// Method is how a choice is written down.
type Method string

// The methods.
const (
	// WriteToGit commits to the deployment repository.
	WriteToGit Method = "git"
	// WriteToApplication changes the source's parameters in the Application object.
	WriteToApplication Method = "argocd"
)

// WriteBack is where choices are written to.
type WriteBack struct {
	Method Method
	// Repository is the clone URL (git only).
	Repository string
	// Secret holds credentials for the repository; zero means those configured for it in the hub.
	Secret SecretRef
	// Base is the branch whose content counts; empty means the repository's default branch.
	Base string
	// Branch is a template for the branch to push to; empty means Base.
	Branch string
	Target Target
}

// TargetKind is the format of the file that is edited.
type TargetKind string

// The formats.
const (
	// SourceFile is .argocd-source-APP.yaml, which Argo CD merges into the application's source.
	SourceFile TargetKind = "argocd-source"
	// Kustomization is the images: list of a kustomization.
	Kustomization TargetKind = "kustomization"
	// HelmValues is a values file of a Helm chart.
	HelmValues TargetKind = "helmvalues"
)

// Target is the file that is edited.
type Target struct {
	Kind TargetKind
	// Path is relative to the repository's root: the file, or for a Kustomization the folder it is in ("." for the root).
	Path string
}

// SecretRef names credentials in the hub. The zero value means none.
type SecretRef struct {
	// Kind is "pullsecret" (a dockerconfigjson), "secret" (one field user:password, or Git credentials) or "env".
	Kind            string
	Namespace, Name string
	// Field is the key in the Secret's data; empty where the kind needs none.
	Field string
}

// IsZero tells whether there is no reference.
func (r SecretRef) IsZero() bool { return r == SecretRef{} }
