package v1alpha1

// SCMProviderGenerator is the repositories of an organization; exactly one provider is set.
type SCMProviderGenerator struct {
	Github          *SCMProviderGeneratorGithub          `json:"github,omitempty" protobuf:"bytes,1,opt,name=github"`
	Gitlab          *SCMProviderGeneratorGitlab          `json:"gitlab,omitempty" protobuf:"bytes,2,opt,name=gitlab"`
	Bitbucket       *SCMProviderGeneratorBitbucket       `json:"bitbucket,omitempty" protobuf:"bytes,3,opt,name=bitbucket"`
	BitbucketServer *SCMProviderGeneratorBitbucketServer `json:"bitbucketServer,omitempty" protobuf:"bytes,4,opt,name=bitbucketServer"`
	Gitea           *SCMProviderGeneratorGitea           `json:"gitea,omitempty" protobuf:"bytes,5,opt,name=gitea"`
	AzureDevOps     *SCMProviderGeneratorAzureDevOps     `json:"azureDevOps,omitempty" protobuf:"bytes,6,opt,name=azureDevOps"`
	// Filters keep a repository that matches all conditions of any one; none keeps all.
	Filters []SCMProviderGeneratorFilter `json:"filters,omitempty" protobuf:"bytes,7,rep,name=filters"`
	// CloneProtocol is ssh or https; what is the default differs by provider.
	CloneProtocol string `json:"cloneProtocol,omitempty" protobuf:"bytes,8,opt,name=cloneProtocol"`
	// RequeueAfterSeconds is how often to ask; nil means every 30 minutes.
	RequeueAfterSeconds *int64                             `json:"requeueAfterSeconds,omitempty" protobuf:"varint,9,opt,name=requeueAfterSeconds"`
	Template            ApplicationSetTemplate             `json:"template,omitempty" protobuf:"bytes,10,opt,name=template"`
	Values              map[string]string                  `json:"values,omitempty" protobuf:"bytes,11,rep,name=values"`
	AWSCodeCommit       *SCMProviderGeneratorAWSCodeCommit `json:"awsCodeCommit,omitempty" protobuf:"bytes,12,opt,name=awsCodeCommit"`
}

// SCMProviderGeneratorGitea is an owner on a Gitea.
type SCMProviderGeneratorGitea struct {
	Owner                string     `json:"owner" protobuf:"bytes,1,opt,name=owner"`
	API                  string     `json:"api" protobuf:"bytes,2,opt,name=api"`
	TokenRef             *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,3,opt,name=tokenRef"`
	AllBranches          bool       `json:"allBranches,omitempty" protobuf:"varint,4,opt,name=allBranches"`
	Insecure             bool       `json:"insecure,omitempty" protobuf:"varint,5,opt,name=insecure"`
	ExcludeArchivedRepos bool       `json:"excludeArchivedRepos,omitempty" protobuf:"varint,6,opt,name=excludeArchivedRepos"`
}

// SCMProviderGeneratorGithub is an organization on GitHub.
type SCMProviderGeneratorGithub struct {
	Organization string `json:"organization" protobuf:"bytes,1,opt,name=organization"`
	// API is the address of a GitHub Enterprise; empty means github.com.
	API      string     `json:"api,omitempty" protobuf:"bytes,2,opt,name=api"`
	TokenRef *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,3,opt,name=tokenRef"`
	// AppSecretName is a repository credential with a GitHub App.
	AppSecretName        string `json:"appSecretName,omitempty" protobuf:"bytes,4,opt,name=appSecretName"`
	AllBranches          bool   `json:"allBranches,omitempty" protobuf:"varint,5,opt,name=allBranches"`
	ExcludeArchivedRepos bool   `json:"excludeArchivedRepos,omitempty" protobuf:"varint,6,opt,name=excludeArchivedRepos"`
}

// SCMProviderGeneratorGitlab is a group, or a user, on GitLab.
type SCMProviderGeneratorGitlab struct {
	Group            string `json:"group" protobuf:"bytes,1,opt,name=group"`
	IncludeSubgroups bool   `json:"includeSubgroups,omitempty" protobuf:"varint,2,opt,name=includeSubgroups"`
	// API is the address of a GitLab; empty means gitlab.com.
	API         string     `json:"api,omitempty" protobuf:"bytes,3,opt,name=api"`
	TokenRef    *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,4,opt,name=tokenRef"`
	AllBranches bool       `json:"allBranches,omitempty" protobuf:"varint,5,opt,name=allBranches"`
	Insecure    bool       `json:"insecure,omitempty" protobuf:"varint,6,opt,name=insecure"`
	// IncludeSharedProjects also takes projects shared with the group when subgroups are included; nil means true.
	IncludeSharedProjects *bool            `json:"includeSharedProjects,omitempty" protobuf:"varint,7,opt,name=includeSharedProjects"`
	Topic                 string           `json:"topic,omitempty" protobuf:"bytes,8,opt,name=topic"`
	CARef                 *ConfigMapKeyRef `json:"caRef,omitempty" protobuf:"bytes,9,opt,name=caRef"`
	IncludeArchivedRepos  bool             `json:"includeArchivedRepos,omitempty" protobuf:"varint,10,opt,name=includeArchivedRepos"`
}

// SCMProviderGeneratorBitbucket is a workspace on bitbucket.org.
type SCMProviderGeneratorBitbucket struct {
	Owner          string     `json:"owner" protobuf:"bytes,1,opt,name=owner"`
	User           string     `json:"user" protobuf:"bytes,2,opt,name=user"`
	AppPasswordRef *SecretRef `json:"appPasswordRef" protobuf:"bytes,3,opt,name=appPasswordRef"`
	AllBranches    bool       `json:"allBranches,omitempty" protobuf:"varint,4,opt,name=allBranches"`
}

// SCMProviderGeneratorBitbucketServer is a project on a Bitbucket Server.
type SCMProviderGeneratorBitbucketServer struct {
	Project     string                    `json:"project" protobuf:"bytes,1,opt,name=project"`
	API         string                    `json:"api" protobuf:"bytes,2,opt,name=api"`
	BasicAuth   *BasicAuthBitbucketServer `json:"basicAuth,omitempty" protobuf:"bytes,3,opt,name=basicAuth"`
	AllBranches bool                      `json:"allBranches,omitempty" protobuf:"varint,4,opt,name=allBranches"`
	BearerToken *BearerTokenBitbucket     `json:"bearerToken,omitempty" protobuf:"bytes,5,opt,name=bearerToken"`
	Insecure    bool                      `json:"insecure,omitempty" protobuf:"varint,6,opt,name=insecure"`
	CARef       *ConfigMapKeyRef          `json:"caRef,omitempty" protobuf:"bytes,7,opt,name=caRef"`
}

// SCMProviderGeneratorAzureDevOps is a team project of an Azure DevOps organization.
type SCMProviderGeneratorAzureDevOps struct {
	Organization string `json:"organization" protobuf:"bytes,5,opt,name=organization"`
	// API is the address of an Azure DevOps Server; empty means dev.azure.com.
	API            string     `json:"api,omitempty" protobuf:"bytes,6,opt,name=api"`
	TeamProject    string     `json:"teamProject" protobuf:"bytes,7,opt,name=teamProject"`
	AccessTokenRef *SecretRef `json:"accessTokenRef" protobuf:"bytes,8,opt,name=accessTokenRef"`
	AllBranches    bool       `json:"allBranches,omitempty" protobuf:"varint,9,opt,name=allBranches"`
}

// TagFilter is a tag of a CodeCommit repository; an empty Value means any.
type TagFilter struct {
	Key   string `json:"key" protobuf:"bytes,1,opt,name=key"`
	Value string `json:"value,omitempty" protobuf:"bytes,2,opt,name=value"`
}

// SCMProviderGeneratorAWSCodeCommit is the repositories of an AWS account and region.
type SCMProviderGeneratorAWSCodeCommit struct {
	TagFilters  []*TagFilter `json:"tagFilters,omitempty" protobuf:"bytes,1,rep,name=tagFilters"`
	Role        string       `json:"role,omitempty" protobuf:"bytes,2,opt,name=role"`
	Region      string       `json:"region,omitempty" protobuf:"bytes,3,opt,name=region"`
	AllBranches bool         `json:"allBranches,omitempty" protobuf:"varint,4,opt,name=allBranches"`
}

// SCMProviderGeneratorFilter is conditions that must all hold; the Match fields are regular expressions.
type SCMProviderGeneratorFilter struct {
	RepositoryMatch *string  `json:"repositoryMatch,omitempty" protobuf:"bytes,1,opt,name=repositoryMatch"`
	PathsExist      []string `json:"pathsExist,omitempty" protobuf:"bytes,2,rep,name=pathsExist"`
	PathsDoNotExist []string `json:"pathsDoNotExist,omitempty" protobuf:"bytes,3,rep,name=pathsDoNotExist"`
	LabelMatch      *string  `json:"labelMatch,omitempty" protobuf:"bytes,4,opt,name=labelMatch"`
	BranchMatch     *string  `json:"branchMatch,omitempty" protobuf:"bytes,5,opt,name=branchMatch"`
}

// BearerTokenBitbucket is a token of a Bitbucket Server.
type BearerTokenBitbucket struct {
	TokenRef *SecretRef `json:"tokenRef" protobuf:"bytes,1,opt,name=tokenRef"`
}

// BearerTokenBitbucketCloud is a token of bitbucket.org.
type BearerTokenBitbucketCloud struct {
	TokenRef *SecretRef `json:"tokenRef" protobuf:"bytes,1,opt,name=tokenRef"`
}

// BasicAuthBitbucketServer is a user and a password, or a personal access token.
type BasicAuthBitbucketServer struct {
	Username    string     `json:"username" protobuf:"bytes,1,opt,name=username"`
	PasswordRef *SecretRef `json:"passwordRef" protobuf:"bytes,2,opt,name=passwordRef"`
}
