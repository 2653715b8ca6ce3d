package protocol

import "fairlead.dev/fairlead/api/argo/v1alpha1"

// ApplicationSyncWindowsQuery names an application.
type ApplicationSyncWindowsQuery struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,2,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
}

// ApplicationSyncWindowsResponse are the windows that concern an application, those that are open now, and whether a person
// may sync.
type ApplicationSyncWindowsResponse struct {
	ActiveWindows   []*ApplicationSyncWindow `json:"activeWindows,omitempty" protobuf:"bytes,1,rep,name=activeWindows"`
	AssignedWindows []*ApplicationSyncWindow `json:"assignedWindows,omitempty" protobuf:"bytes,2,rep,name=assignedWindows"`
	CanSync         bool                     `json:"canSync" protobuf:"varint,3,req,name=canSync"`
}

// ApplicationSyncWindow is one window.
type ApplicationSyncWindow struct {
	Kind       string `json:"kind" protobuf:"bytes,1,req,name=kind"`
	Schedule   string `json:"schedule" protobuf:"bytes,2,req,name=schedule"`
	Duration   string `json:"duration" protobuf:"bytes,3,req,name=duration"`
	ManualSync bool   `json:"manualSync" protobuf:"varint,4,req,name=manualSync"`
}

// SyncWindowsQuery names a project.
type SyncWindowsQuery struct {
	Name string `json:"name" protobuf:"bytes,1,req,name=name"`
}

// SyncWindowsResponse are the windows of a project that are open now.
type SyncWindowsResponse struct {
	Windows []*v1alpha1.SyncWindow `json:"windows,omitempty" protobuf:"bytes,1,rep,name=windows"`
}
