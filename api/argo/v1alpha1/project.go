package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DefaultProject is the project of an application that names none.
const DefaultProject = "default"

// AppProject bounds what its applications may deploy, from where, to where, and who may act on them.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=appprojects,shortName=appproj;appprojs
type AppProject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Spec              AppProjectSpec   `json:"spec" protobuf:"bytes,2,opt,name=spec"`
	Status            AppProjectStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// AppProjectList is a list of AppProjects.
//
// +kubebuilder:object:root=true
type AppProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []AppProject `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// AppProjectSpec are a project's bounds. Patterns are globs; a leading "!" denies.
type AppProjectSpec struct {
	SourceRepos                []string                         `json:"sourceRepos,omitempty" protobuf:"bytes,1,rep,name=sourceRepos"`
	Destinations               []ApplicationDestination         `json:"destinations,omitempty" protobuf:"bytes,2,rep,name=destinations"`
	Description                string                           `json:"description,omitempty" protobuf:"bytes,3,opt,name=description"`
	Roles                      []ProjectRole                    `json:"roles,omitempty" protobuf:"bytes,4,rep,name=roles"`
	ClusterResourceWhitelist   []ClusterResourceRestrictionItem `json:"clusterResourceWhitelist,omitempty" protobuf:"bytes,5,rep,name=clusterResourceWhitelist"`
	NamespaceResourceBlacklist []metav1.GroupKind               `json:"namespaceResourceBlacklist,omitempty" protobuf:"bytes,6,rep,name=namespaceResourceBlacklist"`
	// OrphanedResources monitors objects that no application owns; nil means not at all.
	OrphanedResources               *OrphanedResourcesMonitorSettings      `json:"orphanedResources,omitempty" protobuf:"bytes,7,opt,name=orphanedResources"`
	SyncWindows                     SyncWindows                            `json:"syncWindows,omitempty" protobuf:"bytes,8,rep,name=syncWindows"`
	NamespaceResourceWhitelist      []metav1.GroupKind                     `json:"namespaceResourceWhitelist,omitempty" protobuf:"bytes,9,rep,name=namespaceResourceWhitelist"`
	SignatureKeys                   []SignatureKey                         `json:"signatureKeys,omitempty" protobuf:"bytes,10,rep,name=signatureKeys"`
	ClusterResourceBlacklist        []ClusterResourceRestrictionItem       `json:"clusterResourceBlacklist,omitempty" protobuf:"bytes,11,rep,name=clusterResourceBlacklist"`
	SourceNamespaces                []string                               `json:"sourceNamespaces,omitempty" protobuf:"bytes,12,rep,name=sourceNamespaces"`
	PermitOnlyProjectScopedClusters bool                                   `json:"permitOnlyProjectScopedClusters,omitempty" protobuf:"varint,13,opt,name=permitOnlyProjectScopedClusters"`
	DestinationServiceAccounts      []ApplicationDestinationServiceAccount `json:"destinationServiceAccounts,omitempty" protobuf:"bytes,14,rep,name=destinationServiceAccounts"`
	// SourceIntegrity is what sources must prove; nil means what SignatureKeys say.
	SourceIntegrity *SourceIntegrity `json:"sourceIntegrity,omitempty" protobuf:"bytes,15,opt,name=sourceIntegrity"`
}

// ClusterResourceRestrictionItem is a cluster-scoped kind, and optionally a name.
type ClusterResourceRestrictionItem struct {
	Group string `json:"group" protobuf:"bytes,1,opt,name=group"`
	Kind  string `json:"kind" protobuf:"bytes,2,opt,name=kind"`
	Name  string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
}

// AppProjectStatus holds what the server issued.
type AppProjectStatus struct {
	JWTTokensByRole map[string]JWTTokens `json:"jwtTokensByRole,omitempty" protobuf:"bytes,1,rep,name=jwtTokensByRole"`
}

// JWTTokens is a list of issued tokens.
type JWTTokens struct {
	Items []JWTToken `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// JWTToken is one issued token, without its secret part. Times are Unix seconds; ExpiresAt 0 means never.
type JWTToken struct {
	IssuedAt  int64  `json:"iat" protobuf:"varint,1,opt,name=iat"`
	ExpiresAt int64  `json:"exp,omitempty" protobuf:"varint,2,opt,name=exp"`
	ID        string `json:"id,omitempty" protobuf:"bytes,3,opt,name=id"`
}

// ProjectRole is a named set of policies, for groups and for tokens.
type ProjectRole struct {
	Name        string     `json:"name" protobuf:"bytes,1,opt,name=name"`
	Description string     `json:"description,omitempty" protobuf:"bytes,2,opt,name=description"`
	Policies    []string   `json:"policies,omitempty" protobuf:"bytes,3,rep,name=policies"`
	JWTTokens   []JWTToken `json:"jwtTokens,omitempty" protobuf:"bytes,4,rep,name=jwtTokens"`
	Groups      []string   `json:"groups,omitempty" protobuf:"bytes,5,rep,name=groups"`
}

// OrphanedResourcesMonitorSettings says whether orphans are warned of.
type OrphanedResourcesMonitorSettings struct {
	// Warn makes a condition of them; nil means yes.
	Warn   *bool                 `json:"warn,omitempty" protobuf:"varint,1,opt,name=warn"`
	Ignore []OrphanedResourceKey `json:"ignore,omitempty" protobuf:"bytes,2,rep,name=ignore"`
}

// OrphanedResourceKey names objects that are no orphans; Name may be a glob.
type OrphanedResourceKey struct {
	Group string `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Kind  string `json:"kind,omitempty" protobuf:"bytes,2,opt,name=kind"`
	Name  string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
}

// SyncWindows is a list of windows.
type SyncWindows []*SyncWindow

// SyncWindow is a time in which syncs are allowed or denied.
type SyncWindow struct {
	// Kind is "allow" or "deny".
	Kind string `json:"kind,omitempty" protobuf:"bytes,1,opt,name=kind"`
	// Schedule is a cron expression of five fields, Duration a Go duration.
	Schedule       string   `json:"schedule,omitempty" protobuf:"bytes,2,opt,name=schedule"`
	Duration       string   `json:"duration,omitempty" protobuf:"bytes,3,opt,name=duration"`
	Applications   []string `json:"applications,omitempty" protobuf:"bytes,4,rep,name=applications"`
	Namespaces     []string `json:"namespaces,omitempty" protobuf:"bytes,5,rep,name=namespaces"`
	Clusters       []string `json:"clusters,omitempty" protobuf:"bytes,6,rep,name=clusters"`
	ManualSync     bool     `json:"manualSync,omitempty" protobuf:"varint,7,opt,name=manualSync"`
	TimeZone       string   `json:"timeZone,omitempty" protobuf:"bytes,8,opt,name=timeZone"`
	UseAndOperator bool     `json:"andOperator,omitempty" protobuf:"varint,9,opt,name=andOperator"`
	Description    string   `json:"description,omitempty" protobuf:"bytes,10,opt,name=description"`
	SyncOverrun    bool     `json:"syncOverrun,omitempty" protobuf:"varint,11,opt,name=syncOverrun"`
}

// SignatureKey is a GPG key id that commits must be signed with.
type SignatureKey struct {
	KeyID string `json:"keyID" protobuf:"bytes,1,opt,name=keyID"`
}

// ApplicationDestinationServiceAccount is the account that syncs to a destination run as.
type ApplicationDestinationServiceAccount struct {
	Server                string `json:"server" protobuf:"bytes,1,opt,name=server"`
	Namespace             string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	DefaultServiceAccount string `json:"defaultServiceAccount" protobuf:"bytes,3,opt,name=defaultServiceAccount"`
}
