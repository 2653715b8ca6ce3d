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
	metav1.ObjectMeta `json:"metadata"`
	Spec              AppProjectSpec   `json:"spec"`
	Status            AppProjectStatus `json:"status,omitempty"`
}

// AppProjectList is a list of AppProjects.
//
// +kubebuilder:object:root=true
type AppProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []AppProject `json:"items"`
}

// AppProjectSpec are a project's bounds. Patterns are globs; a leading "!" denies.
type AppProjectSpec struct {
	SourceRepos                []string                         `json:"sourceRepos,omitempty"`
	Destinations               []ApplicationDestination         `json:"destinations,omitempty"`
	Description                string                           `json:"description,omitempty"`
	Roles                      []ProjectRole                    `json:"roles,omitempty"`
	ClusterResourceWhitelist   []ClusterResourceRestrictionItem `json:"clusterResourceWhitelist,omitempty"`
	NamespaceResourceBlacklist []metav1.GroupKind               `json:"namespaceResourceBlacklist,omitempty"`
	// OrphanedResources monitors objects that no application owns; nil means not at all.
	OrphanedResources               *OrphanedResourcesMonitorSettings      `json:"orphanedResources,omitempty"`
	SyncWindows                     SyncWindows                            `json:"syncWindows,omitempty"`
	NamespaceResourceWhitelist      []metav1.GroupKind                     `json:"namespaceResourceWhitelist,omitempty"`
	SignatureKeys                   []SignatureKey                         `json:"signatureKeys,omitempty"`
	ClusterResourceBlacklist        []ClusterResourceRestrictionItem       `json:"clusterResourceBlacklist,omitempty"`
	SourceNamespaces                []string                               `json:"sourceNamespaces,omitempty"`
	PermitOnlyProjectScopedClusters bool                                   `json:"permitOnlyProjectScopedClusters,omitempty"`
	DestinationServiceAccounts      []ApplicationDestinationServiceAccount `json:"destinationServiceAccounts,omitempty"`
}

// ClusterResourceRestrictionItem is a cluster-scoped kind, and optionally a name.
type ClusterResourceRestrictionItem struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// AppProjectStatus holds what the server issued.
type AppProjectStatus struct {
	JWTTokensByRole map[string]JWTTokens `json:"jwtTokensByRole,omitempty"`
}

// JWTTokens is a list of issued tokens.
type JWTTokens struct {
	Items []JWTToken `json:"items,omitempty"`
}

// JWTToken is one issued token, without its secret part. Times are Unix seconds; ExpiresAt 0 means never.
type JWTToken struct {
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp,omitempty"`
	ID        string `json:"id,omitempty"`
}

// ProjectRole is a named set of policies, for groups and for tokens.
type ProjectRole struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Policies    []string   `json:"policies,omitempty"`
	JWTTokens   []JWTToken `json:"jwtTokens,omitempty"`
	Groups      []string   `json:"groups,omitempty"`
}

// OrphanedResourcesMonitorSettings says whether orphans are warned of.
type OrphanedResourcesMonitorSettings struct {
	// Warn makes a condition of them; nil means yes.
	Warn   *bool                 `json:"warn,omitempty"`
	Ignore []OrphanedResourceKey `json:"ignore,omitempty"`
}

// OrphanedResourceKey names objects that are no orphans; Name may be a glob.
type OrphanedResourceKey struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Name  string `json:"name,omitempty"`
}

// SyncWindows is a list of windows.
type SyncWindows []*SyncWindow

// SyncWindow is a time in which syncs are allowed or denied.
type SyncWindow struct {
	// Kind is "allow" or "deny".
	Kind string `json:"kind,omitempty"`
	// Schedule is a cron expression of five fields, Duration a Go duration.
	Schedule       string   `json:"schedule,omitempty"`
	Duration       string   `json:"duration,omitempty"`
	Applications   []string `json:"applications,omitempty"`
	Namespaces     []string `json:"namespaces,omitempty"`
	Clusters       []string `json:"clusters,omitempty"`
	ManualSync     bool     `json:"manualSync,omitempty"`
	TimeZone       string   `json:"timeZone,omitempty"`
	UseAndOperator bool     `json:"andOperator,omitempty"`
	Description    string   `json:"description,omitempty"`
	SyncOverrun    bool     `json:"syncOverrun,omitempty"`
}

// SignatureKey is a GPG key id that commits must be signed with.
type SignatureKey struct {
	KeyID string `json:"keyID"`
}

// ApplicationDestinationServiceAccount is the account that syncs to a destination run as.
type ApplicationDestinationServiceAccount struct {
	Server                string `json:"server"`
	Namespace             string `json:"namespace,omitempty"`
	DefaultServiceAccount string `json:"defaultServiceAccount"`
}
