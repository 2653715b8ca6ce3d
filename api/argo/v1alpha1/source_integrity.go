package v1alpha1

// SourceIntegrity is what a project demands of its sources before they are deployed.
type SourceIntegrity struct {
	Git *SourceIntegrityGit `json:"git" protobuf:"bytes,1,opt,name=git"`
}

// SourceIntegrityGit is what is demanded of Git repositories. At most one policy may match a repository.
type SourceIntegrityGit struct {
	Policies []*SourceIntegrityGitPolicy `json:"policies" protobuf:"bytes,1,rep,name=policies"`
}

// SourceIntegrityGitPolicy is for the repositories that one of its patterns matches, and none with a leading "!".
type SourceIntegrityGitPolicy struct {
	Repos []SourceIntegrityGitPolicyRepo `json:"repos" protobuf:"bytes,1,rep,name=repos"`
	GPG   *SourceIntegrityGitPolicyGPG   `json:"gpg" protobuf:"bytes,2,opt,name=gpg"`
}

// SourceIntegrityGitPolicyRepo is a glob of addresses.
type SourceIntegrityGitPolicyRepo struct {
	URL string `json:"url" protobuf:"bytes,1,opt,name=url"`
}

// SourceIntegrityGitPolicyGPGMode says which signatures are demanded.
type SourceIntegrityGitPolicyGPGMode string

// The modes.
const (
	// SourceIntegrityGitPolicyGPGModeNone demands nothing.
	SourceIntegrityGitPolicyGPGModeNone SourceIntegrityGitPolicyGPGMode = "none"
	// SourceIntegrityGitPolicyGPGModeHead demands that of the revision itself: an annotated tag, or a commit.
	SourceIntegrityGitPolicyGPGModeHead SourceIntegrityGitPolicyGPGMode = "head"
	// SourceIntegrityGitPolicyGPGModeStrict demands that of the tag and of all commits since the beginning, or since a signed
	// commit whose message says "Argocd-gpg-seal: <reason>".
	SourceIntegrityGitPolicyGPGModeStrict SourceIntegrityGitPolicyGPGMode = "strict"
)

// SourceIntegrityGitPolicyGPG demands signatures by keys of the operator's keyring that are also in Keys: key IDs or fingerprints.
type SourceIntegrityGitPolicyGPG struct {
	Mode SourceIntegrityGitPolicyGPGMode `json:"mode" protobuf:"bytes,1,opt,name=mode"`
	Keys []string                        `json:"keys" protobuf:"bytes,3,rep,name=keys"`
}
