package v1alpha1

// PullRequestGenerator is the open pull requests of a repository; exactly one provider is set.
type PullRequestGenerator struct {
	Github          *PullRequestGeneratorGithub          `json:"github,omitempty" protobuf:"bytes,1,opt,name=github"`
	GitLab          *PullRequestGeneratorGitLab          `json:"gitlab,omitempty" protobuf:"bytes,2,opt,name=gitlab"`
	Gitea           *PullRequestGeneratorGitea           `json:"gitea,omitempty" protobuf:"bytes,3,opt,name=gitea"`
	BitbucketServer *PullRequestGeneratorBitbucketServer `json:"bitbucketServer,omitempty" protobuf:"bytes,4,opt,name=bitbucketServer"`
	// Filters keep a pull request that matches all conditions of any one; none keeps all.
	Filters []PullRequestGeneratorFilter `json:"filters,omitempty" protobuf:"bytes,5,rep,name=filters"`
	// RequeueAfterSeconds is how often to ask; nil means every 30 minutes.
	RequeueAfterSeconds *int64                           `json:"requeueAfterSeconds,omitempty" protobuf:"varint,6,opt,name=requeueAfterSeconds"`
	Template            ApplicationSetTemplate           `json:"template,omitempty" protobuf:"bytes,7,opt,name=template"`
	Bitbucket           *PullRequestGeneratorBitbucket   `json:"bitbucket,omitempty" protobuf:"bytes,8,opt,name=bitbucket"`
	AzureDevOps         *PullRequestGeneratorAzureDevOps `json:"azuredevops,omitempty" protobuf:"bytes,9,opt,name=azuredevops"`
	Values              map[string]string                `json:"values,omitempty" protobuf:"bytes,10,rep,name=values"`
	// ContinueOnRepoNotFoundError takes a repository that is not there for one without pull requests.
	ContinueOnRepoNotFoundError bool `json:"continueOnRepoNotFoundError,omitempty" protobuf:"varint,11,opt,name=continueOnRepoNotFoundError"`
}

// PullRequestGeneratorGitea is a repository on a Gitea.
type PullRequestGeneratorGitea struct {
	Owner    string     `json:"owner" protobuf:"bytes,1,opt,name=owner"`
	Repo     string     `json:"repo" protobuf:"bytes,2,opt,name=repo"`
	API      string     `json:"api" protobuf:"bytes,3,opt,name=api"`
	TokenRef *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,4,opt,name=tokenRef"`
	Insecure bool       `json:"insecure,omitempty" protobuf:"varint,5,opt,name=insecure"`
	Labels   []string   `json:"labels,omitempty" protobuf:"bytes,6,rep,name=labels"`
}

// PullRequestGeneratorAzureDevOps is a repository on Azure DevOps.
type PullRequestGeneratorAzureDevOps struct {
	Organization string     `json:"organization" protobuf:"bytes,1,opt,name=organization"`
	Project      string     `json:"project" protobuf:"bytes,2,opt,name=project"`
	Repo         string     `json:"repo" protobuf:"bytes,3,opt,name=repo"`
	API          string     `json:"api,omitempty" protobuf:"bytes,4,opt,name=api"`
	TokenRef     *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,5,opt,name=tokenRef"`
	Labels       []string   `json:"labels,omitempty" protobuf:"bytes,6,rep,name=labels"`
}

// PullRequestGeneratorGithub is a repository on GitHub.
type PullRequestGeneratorGithub struct {
	Owner         string     `json:"owner" protobuf:"bytes,1,opt,name=owner"`
	Repo          string     `json:"repo" protobuf:"bytes,2,opt,name=repo"`
	API           string     `json:"api,omitempty" protobuf:"bytes,3,opt,name=api"`
	TokenRef      *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,4,opt,name=tokenRef"`
	AppSecretName string     `json:"appSecretName,omitempty" protobuf:"bytes,5,opt,name=appSecretName"`
	Labels        []string   `json:"labels,omitempty" protobuf:"bytes,6,rep,name=labels"`
}

// PullRequestGeneratorGitLab is a project on GitLab.
type PullRequestGeneratorGitLab struct {
	Project  string     `json:"project" protobuf:"bytes,1,opt,name=project"`
	API      string     `json:"api,omitempty" protobuf:"bytes,2,opt,name=api"`
	TokenRef *SecretRef `json:"tokenRef,omitempty" protobuf:"bytes,3,opt,name=tokenRef"`
	Labels   []string   `json:"labels,omitempty" protobuf:"bytes,4,rep,name=labels"`
	// PullRequestState is opened, closed, merged or locked; empty means all.
	PullRequestState string           `json:"pullRequestState,omitempty" protobuf:"bytes,5,opt,name=pullRequestState"`
	Insecure         bool             `json:"insecure,omitempty" protobuf:"varint,6,opt,name=insecure"`
	CARef            *ConfigMapKeyRef `json:"caRef,omitempty" protobuf:"bytes,7,opt,name=caRef"`
}

// PullRequestGeneratorBitbucketServer is a repository on a Bitbucket Server.
type PullRequestGeneratorBitbucketServer struct {
	Project     string                    `json:"project" protobuf:"bytes,1,opt,name=project"`
	Repo        string                    `json:"repo" protobuf:"bytes,2,opt,name=repo"`
	API         string                    `json:"api" protobuf:"bytes,3,opt,name=api"`
	BasicAuth   *BasicAuthBitbucketServer `json:"basicAuth,omitempty" protobuf:"bytes,4,opt,name=basicAuth"`
	BearerToken *BearerTokenBitbucket     `json:"bearerToken,omitempty" protobuf:"bytes,5,opt,name=bearerToken"`
	Insecure    bool                      `json:"insecure,omitempty" protobuf:"varint,6,opt,name=insecure"`
	CARef       *ConfigMapKeyRef          `json:"caRef,omitempty" protobuf:"bytes,7,opt,name=caRef"`
}

// PullRequestGeneratorBitbucket is a repository on bitbucket.org.
type PullRequestGeneratorBitbucket struct {
	Owner       string                     `json:"owner" protobuf:"bytes,1,opt,name=owner"`
	Repo        string                     `json:"repo" protobuf:"bytes,2,opt,name=repo"`
	API         string                     `json:"api,omitempty" protobuf:"bytes,3,opt,name=api"`
	BasicAuth   *BasicAuthBitbucketServer  `json:"basicAuth,omitempty" protobuf:"bytes,4,opt,name=basicAuth"`
	BearerToken *BearerTokenBitbucketCloud `json:"bearerToken,omitempty" protobuf:"bytes,5,opt,name=bearerToken"`
}

// PullRequestGeneratorFilter is regular expressions that must all match.
type PullRequestGeneratorFilter struct {
	BranchMatch       *string `json:"branchMatch,omitempty" protobuf:"bytes,1,opt,name=branchMatch"`
	TargetBranchMatch *string `json:"targetBranchMatch,omitempty" protobuf:"bytes,2,opt,name=targetBranchMatch"`
	TitleMatch        *string `json:"titleMatch,omitempty" protobuf:"bytes,3,opt,name=titleMatch"`
}
