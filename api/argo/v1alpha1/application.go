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
	metav1.ObjectMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Spec              ApplicationSpec   `json:"spec" protobuf:"bytes,2,opt,name=spec"`
	Status            ApplicationStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
	// Operation is what a person or the automation asked for and the controller has not begun yet; nil means nothing.
	Operation *Operation `json:"operation,omitempty" protobuf:"bytes,4,opt,name=operation"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []Application `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// ApplicationSpec is what should run, where, and how it gets there.
type ApplicationSpec struct {
	// Source is the only source; nil when Sources is used.
	Source      *ApplicationSource     `json:"source,omitempty" protobuf:"bytes,1,opt,name=source"`
	Destination ApplicationDestination `json:"destination" protobuf:"bytes,2,opt,name=destination"`
	// Project is the name of the AppProject that bounds this application; empty means "default".
	Project string `json:"project" protobuf:"bytes,3,opt,name=project"`
	// SyncPolicy says whether and how syncs happen by themselves; nil means on demand only.
	SyncPolicy        *SyncPolicy                 `json:"syncPolicy,omitempty" protobuf:"bytes,4,opt,name=syncPolicy"`
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty" protobuf:"bytes,5,rep,name=ignoreDifferences"`
	Info              []Info                      `json:"info,omitempty" protobuf:"bytes,6,rep,name=info"`
	// RevisionHistoryLimit bounds status.history; nil means 10.
	RevisionHistoryLimit *int64             `json:"revisionHistoryLimit,omitempty" protobuf:"varint,7,opt,name=revisionHistoryLimit"`
	Sources              ApplicationSources `json:"sources,omitempty" protobuf:"bytes,8,rep,name=sources"`
	// SourceHydrator has the application deployed from where rendered manifests are kept. Source and Sources don't count then.
	SourceHydrator *SourceHydrator `json:"sourceHydrator,omitempty" protobuf:"bytes,9,opt,name=sourceHydrator"`
	// DependsOn are applications that must be ready before this one is synced. Argo CD has no such field.
	DependsOn []ApplicationDependency `json:"dependsOn,omitempty" protobuf:"bytes,2000,rep,name=dependsOn"`
}

// ApplicationDependency is an application that another waits for.
type ApplicationDependency struct {
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`
	// Namespace of the application; empty means that of the one that waits.
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	// Gate says what is waited for; empty means Ready.
	Gate DependencyGate `json:"gate,omitempty" protobuf:"bytes,3,opt,name=gate"`
}

// DependencyGate is the state in which an application lets those pass that depend on it.
//
// +kubebuilder:validation:Enum="";Ready;Healthy;Synced
type DependencyGate string

// The gates. Ready is both others together.
const (
	DependencyReady DependencyGate = "Ready"
	// DependencyHealthy asks for health alone, of whatever version runs.
	DependencyHealthy DependencyGate = "Healthy"
	// DependencySynced asks for what Git has, healthy or not.
	DependencySynced DependencyGate = "Synced"
)

// ApplicationSources is a list of sources whose objects are put together.
type ApplicationSources []ApplicationSource

// ApplicationDestination is a cluster, by URL or by name (not both), and a namespace.
type ApplicationDestination struct {
	Server string `json:"server,omitempty" protobuf:"bytes,1,opt,name=server"`
	// Namespace is set on namespaced objects that name none.
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Name      string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
}

// ResourceIgnoreDifferences names fields whose differences don't count.
type ResourceIgnoreDifferences struct {
	Group     string `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Kind      string `json:"kind" protobuf:"bytes,2,opt,name=kind"`
	Name      string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,4,opt,name=namespace"`
	// JSONPointers are RFC 6901 pointers.
	JSONPointers      []string `json:"jsonPointers,omitempty" protobuf:"bytes,5,rep,name=jsonPointers"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty" protobuf:"bytes,6,rep,name=jqPathExpressions"`
	// ManagedFieldsManagers are field managers whose fields are left to them.
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty" protobuf:"bytes,7,rep,name=managedFieldsManagers"`
}

// Info is a line for people: a name and a text or link.
type Info struct {
	Name  string `json:"name" protobuf:"bytes,1,opt,name=name"`
	Value string `json:"value" protobuf:"bytes,2,opt,name=value"`
}

// SyncPolicy says whether and how syncs happen by themselves.
type SyncPolicy struct {
	// Automated syncs whenever the desired state changes; nil means on demand.
	Automated *SyncPolicyAutomated `json:"automated,omitempty" protobuf:"bytes,1,opt,name=automated"`
	// SyncOptions are Key=value switches such as CreateNamespace=true.
	SyncOptions SyncOptions    `json:"syncOptions,omitempty" protobuf:"bytes,2,rep,name=syncOptions"`
	Retry       *RetryStrategy `json:"retry,omitempty" protobuf:"bytes,3,opt,name=retry"`
	// ManagedNamespaceMetadata is set on the namespace that CreateNamespace=true makes.
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty" protobuf:"bytes,4,opt,name=managedNamespaceMetadata"`
}

// SyncPolicyAutomated tunes automated syncs.
type SyncPolicyAutomated struct {
	// Prune deletes what Git no longer has; nil means no, here and in the next two, but what was said stays said.
	Prune *bool `json:"prune,omitempty" protobuf:"varint,1,opt,name=prune"`
	// SelfHeal also syncs when the cluster changed and Git didn't.
	SelfHeal *bool `json:"selfHeal,omitempty" protobuf:"varint,2,opt,name=selfHeal"`
	// AllowEmpty allows an automated sync that would prune everything.
	AllowEmpty *bool `json:"allowEmpty,omitempty" protobuf:"varint,3,opt,name=allowEmpty"`
	// Enabled switches automation off when false; nil means on.
	Enabled *bool `json:"enabled,omitempty" protobuf:"varint,4,opt,name=enabled"`
}

// Prunes tells whether automated syncs delete what Git no longer has. Nil doesn't, nor does it the rest.
func (a *SyncPolicyAutomated) Prunes() bool { return a != nil && a.Prune != nil && *a.Prune }

// Heals tells whether automation also syncs when only the cluster has changed.
func (a *SyncPolicyAutomated) Heals() bool { return a != nil && a.SelfHeal != nil && *a.SelfHeal }

// AllowsEmpty tells whether an automated sync may prune everything.
func (a *SyncPolicyAutomated) AllowsEmpty() bool {
	return a != nil && a.AllowEmpty != nil && *a.AllowEmpty
}

// ManagedNamespaceMetadata is set on a namespace made by a sync.
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty" protobuf:"bytes,1,rep,name=labels"`
	Annotations map[string]string `json:"annotations,omitempty" protobuf:"bytes,2,rep,name=annotations"`
}

// RetryStrategy repeats a sync that didn't succeed.
type RetryStrategy struct {
	// Limit is the number of repetitions; 0 means none, negative means no end.
	Limit   int64    `json:"limit,omitempty" protobuf:"varint,1,opt,name=limit"`
	Backoff *Backoff `json:"backoff,omitempty" protobuf:"bytes,2,opt,name=backoff"`
	// Refresh takes the newest revision at each repetition.
	Refresh bool `json:"refresh,omitempty" protobuf:"varint,3,opt,name=refresh"`
}

// Backoff spaces repetitions. Durations are Go's ("5s"); a bare number is seconds.
type Backoff struct {
	// Duration before the first repetition; empty means 5s.
	Duration string `json:"duration,omitempty" protobuf:"bytes,1,opt,name=duration"`
	// Factor multiplies it each time; nil means 2.
	Factor *int64 `json:"factor,omitempty" protobuf:"varint,2,opt,name=factor"`
	// MaxDuration caps it; empty means 3m.
	MaxDuration string `json:"maxDuration,omitempty" protobuf:"bytes,3,opt,name=maxDuration"`
}
