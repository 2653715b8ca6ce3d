package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Application is one set of manifests of a Git repository, and the place in a cluster where they are to run.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applications,shortName=app;apps
// +kubebuilder:printcolumn:name="Sync Status",type=string,JSONPath=`.status.sync.status`
// +kubebuilder:printcolumn:name="Health Status",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`,priority=10
// +kubebuilder:printcolumn:name="Project",type=string,JSONPath=`.spec.project`,priority=10
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ApplicationSpec   `json:"spec"`
	Status            ApplicationStatus `json:"status,omitempty"`
	// Operation is what a person or the automation asked for and the controller has not begun yet; nil means nothing.
	Operation *Operation `json:"operation,omitempty"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Application `json:"items"`
}

// ApplicationSpec is what should run, where, and how it gets there.
type ApplicationSpec struct {
	// Source is the only source; nil when Sources is used.
	Source      *ApplicationSource     `json:"source,omitempty"`
	Destination ApplicationDestination `json:"destination"`
	// Project is the name of the AppProject that bounds this application; empty means "default".
	Project string `json:"project"`
	// SyncPolicy says whether and how syncs happen by themselves; nil means on demand only.
	SyncPolicy        *SyncPolicy                 `json:"syncPolicy,omitempty"`
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty"`
	Info              []Info                      `json:"info,omitempty"`
	// RevisionHistoryLimit bounds status.history; nil means 10.
	RevisionHistoryLimit *int64             `json:"revisionHistoryLimit,omitempty"`
	Sources              ApplicationSources `json:"sources,omitempty"`
}

// ApplicationSources is a list of sources whose objects are put together.
type ApplicationSources []ApplicationSource

// ApplicationDestination is a cluster, by URL or by name (not both), and a namespace.
type ApplicationDestination struct {
	Server string `json:"server,omitempty"`
	// Namespace is set on namespaced objects that name none.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// ResourceIgnoreDifferences names fields whose differences don't count.
type ResourceIgnoreDifferences struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// JSONPointers are RFC 6901 pointers.
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
	// ManagedFieldsManagers are field managers whose fields are left to them.
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
}

// Info is a line for people: a name and a text or link.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SyncPolicy says whether and how syncs happen by themselves.
type SyncPolicy struct {
	// Automated syncs whenever the desired state changes; nil means on demand.
	Automated *SyncPolicyAutomated `json:"automated,omitempty"`
	// SyncOptions are Key=value switches such as CreateNamespace=true.
	SyncOptions SyncOptions    `json:"syncOptions,omitempty"`
	Retry       *RetryStrategy `json:"retry,omitempty"`
	// ManagedNamespaceMetadata is set on the namespace that CreateNamespace=true makes.
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// SyncPolicyAutomated tunes automated syncs.
type SyncPolicyAutomated struct {
	// Prune deletes what Git no longer has.
	Prune bool `json:"prune,omitempty"`
	// SelfHeal also syncs when the cluster changed and Git didn't.
	SelfHeal bool `json:"selfHeal,omitempty"`
	// AllowEmpty allows an automated sync that would prune everything.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Enabled switches automation off when false; nil means on.
	Enabled *bool `json:"enabled,omitempty"`
}

// ManagedNamespaceMetadata is set on a namespace made by a sync.
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// RetryStrategy repeats a sync that didn't succeed.
type RetryStrategy struct {
	// Limit is the number of repetitions; 0 means none, negative means no end.
	Limit   int64    `json:"limit,omitempty"`
	Backoff *Backoff `json:"backoff,omitempty"`
	// Refresh takes the newest revision at each repetition.
	Refresh bool `json:"refresh,omitempty"`
}

// Backoff spaces repetitions. Durations are Go's ("5s"); a bare number is seconds.
type Backoff struct {
	// Duration before the first repetition; empty means 5s.
	Duration string `json:"duration,omitempty"`
	// Factor multiplies it each time; nil means 2.
	Factor *int64 `json:"factor,omitempty"`
	// MaxDuration caps it; empty means 3m.
	MaxDuration string `json:"maxDuration,omitempty"`
}
