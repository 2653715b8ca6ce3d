package protocol

import "fairlead.dev/fairlead/api/fairlead/v1alpha1"

// BuildRuleQuery selects build rules; empty means all.
type BuildRuleQuery struct {
	Name    string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Project string `json:"project,omitempty" protobuf:"bytes,2,opt,name=project"`
}

// BuildQuery selects builds; empty fields select everything. Get, Rebuild and Cancel take Name alone.
type BuildQuery struct {
	Name    string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Rule    string `json:"rule,omitempty" protobuf:"bytes,2,opt,name=rule"`
	Project string `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
}

// BuildStartRequest builds a rule by hand.
type BuildStartRequest struct {
	Rule string `json:"rule,omitempty" protobuf:"bytes,1,opt,name=rule"`
	// Ref is a branch, tag or full ref; empty means the repository's default branch.
	Ref string `json:"ref,omitempty" protobuf:"bytes,2,opt,name=ref"`
}

// BuildLogsRequest asks for the log of a build.
type BuildLogsRequest struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	// Follow goes on until the build ends.
	Follow bool `json:"follow,omitempty" protobuf:"varint,2,opt,name=follow"`
}

// BuildLogChunk is a piece of a log, whole lines where possible.
type BuildLogChunk struct {
	Data []byte `json:"data,omitempty" protobuf:"bytes,1,rep,name=data"`
}

// BuildRuleList and BuildList are the API's own lists.
type (
	BuildRuleList = v1alpha1.BuildRuleList
	BuildList     = v1alpha1.BuildList
)
