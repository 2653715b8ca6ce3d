package protocol

// ApplicationServerSideDiff has the API server of the destination say what a sync of given manifests would make of given
// live objects.
const ApplicationServerSideDiff Unary[ApplicationServerSideDiffQuery, ApplicationServerSideDiffResponse] = "/application.ApplicationService/ServerSideDiff"

// ApplicationServerSideDiffQuery are live objects and manifests, one beside the other; "" where there is none.
type ApplicationServerSideDiffQuery struct {
	AppName         string          `json:"appName" protobuf:"bytes,1,req,name=appName"`
	AppNamespace    string          `json:"appNamespace,omitempty" protobuf:"bytes,2,opt,name=appNamespace"`
	Project         string          `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
	LiveResources   []*ResourceDiff `json:"liveResources,omitempty" protobuf:"bytes,4,rep,name=liveResources"`
	TargetManifests []string        `json:"targetManifests,omitempty" protobuf:"bytes,5,rep,name=targetManifests"`
}

// ApplicationServerSideDiffResponse are the objects as they are and as they would be.
type ApplicationServerSideDiffResponse struct {
	Items    []*ResourceDiff `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
	Modified bool            `json:"modified" protobuf:"varint,2,req,name=modified"`
}
