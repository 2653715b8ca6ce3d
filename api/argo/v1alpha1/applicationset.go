package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ApplicationSet makes one Application from a template for each set of parameters that its generators find.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applicationsets,shortName=appset;appsets
// +kubebuilder:subresource:status
type ApplicationSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Spec              ApplicationSetSpec   `json:"spec" protobuf:"bytes,2,opt,name=spec"`
	Status            ApplicationSetStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// ApplicationSetList is a list of ApplicationSets.
//
// +kubebuilder:object:root=true
type ApplicationSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Items           []ApplicationSet `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// ApplicationSetSpec is what to make, from what, and how changes of it reach the applications.
type ApplicationSetSpec struct {
	// GoTemplate renders with Go's text/template; false means with {{name}} placeholders only.
	GoTemplate bool                      `json:"goTemplate,omitempty" protobuf:"varint,1,opt,name=goTemplate"`
	Generators []ApplicationSetGenerator `json:"generators" protobuf:"bytes,2,rep,name=generators"`
	Template   ApplicationSetTemplate    `json:"template" protobuf:"bytes,3,opt,name=template"`
	// SyncPolicy says what may happen to the applications; nil means all.
	SyncPolicy *ApplicationSetSyncPolicy `json:"syncPolicy,omitempty" protobuf:"bytes,4,opt,name=syncPolicy"`
	// Strategy orders changes and deletions; nil means all at once.
	Strategy        *ApplicationSetStrategy     `json:"strategy,omitempty" protobuf:"bytes,5,opt,name=strategy"`
	PreservedFields *ApplicationPreservedFields `json:"preservedFields,omitempty" protobuf:"bytes,6,opt,name=preservedFields"`
	// GoTemplateOptions are those of text/template's Option, such as "missingkey=error".
	GoTemplateOptions []string `json:"goTemplateOptions,omitempty" protobuf:"bytes,7,rep,name=goTemplateOptions"`
	// ApplyNestedSelectors is ignored, as upstream does since 3.0: nested selectors always apply.
	ApplyNestedSelectors         bool                            `json:"applyNestedSelectors,omitempty" protobuf:"varint,8,opt,name=applyNestedSelectors"`
	IgnoreApplicationDifferences ApplicationSetIgnoreDifferences `json:"ignoreApplicationDifferences,omitempty" protobuf:"bytes,9,rep,name=ignoreApplicationDifferences"`
	// TemplatePatch is a template of YAML or JSON that is merged over the rendered Template; nil means none.
	TemplatePatch *string `json:"templatePatch,omitempty" protobuf:"bytes,10,opt,name=templatePatch"`
}

// ApplicationPreservedFields are annotations and labels that generated applications keep although the template has none.
type ApplicationPreservedFields struct {
	Annotations []string `json:"annotations,omitempty" protobuf:"bytes,1,rep,name=annotations"`
	Labels      []string `json:"labels,omitempty" protobuf:"bytes,2,rep,name=labels"`
}

// ApplicationSetStrategy orders how changes reach the applications.
type ApplicationSetStrategy struct {
	// Type is AllAtOnce (also when empty) or RollingSync.
	Type        string                         `json:"type,omitempty" protobuf:"bytes,1,opt,name=type"`
	RollingSync *ApplicationSetRolloutStrategy `json:"rollingSync,omitempty" protobuf:"bytes,2,opt,name=rollingSync"`
	// DeletionOrder is AllAtOnce (also when empty) or Reverse, the steps of RollingSync from last to first.
	DeletionOrder string `json:"deletionOrder,omitempty" protobuf:"bytes,3,opt,name=deletionOrder"`
}

// ApplicationSetRolloutStrategy are the steps of RollingSync; an application in no step is never synced by it.
type ApplicationSetRolloutStrategy struct {
	Steps []ApplicationSetRolloutStep `json:"steps,omitempty" protobuf:"bytes,1,rep,name=steps"`
}

// ApplicationSetRolloutStep is the applications whose labels match all expressions.
type ApplicationSetRolloutStep struct {
	MatchExpressions []ApplicationMatchExpression `json:"matchExpressions,omitempty" protobuf:"bytes,1,rep,name=matchExpressions"`
	// MaxUpdate bounds how many are out of step at once, as a number or a percentage of them; nil means no bound.
	MaxUpdate *intstr.IntOrString `json:"maxUpdate,omitempty" protobuf:"bytes,2,opt,name=maxUpdate"`
}

// ApplicationMatchExpression compares one label. Operator is In or NotIn.
type ApplicationMatchExpression struct {
	Key      string   `json:"key,omitempty" protobuf:"bytes,1,opt,name=key"`
	Operator string   `json:"operator,omitempty" protobuf:"bytes,2,opt,name=operator"`
	Values   []string `json:"values,omitempty" protobuf:"bytes,3,rep,name=values"`
}

// ApplicationsSyncPolicy says which changes an ApplicationSet may make to its applications.
//
// +kubebuilder:validation:Enum=create-only;create-update;create-delete;sync
type ApplicationsSyncPolicy string

// The policies; each says what it allows.
const (
	ApplicationsSyncPolicyCreateOnly   ApplicationsSyncPolicy = "create-only"
	ApplicationsSyncPolicyCreateUpdate ApplicationsSyncPolicy = "create-update"
	ApplicationsSyncPolicyCreateDelete ApplicationsSyncPolicy = "create-delete"
	ApplicationsSyncPolicySync         ApplicationsSyncPolicy = "sync"
)

// ApplicationSetSyncPolicy says what may happen to the applications.
type ApplicationSetSyncPolicy struct {
	// PreserveResourcesOnDeletion deletes an application without what it deployed.
	PreserveResourcesOnDeletion bool `json:"preserveResourcesOnDeletion,omitempty" protobuf:"varint,1,opt,name=syncPolicy"`
	// ApplicationsSync is the policy; nil means that of the operator, sync by default.
	//
	// +kubebuilder:validation:Optional
	ApplicationsSync *ApplicationsSyncPolicy `json:"applicationsSync,omitempty" protobuf:"bytes,2,opt,name=applicationsSync"`
}

// ApplicationSetIgnoreDifferences are the parts of applications that the ApplicationSet leaves alone.
type ApplicationSetIgnoreDifferences []ApplicationSetResourceIgnoreDifferences

// ApplicationSetResourceIgnoreDifferences is a part of one application, or of all when Name is empty.
type ApplicationSetResourceIgnoreDifferences struct {
	Name              string   `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	JSONPointers      []string `json:"jsonPointers,omitempty" protobuf:"bytes,2,rep,name=jsonPointers"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty" protobuf:"bytes,3,rep,name=jqExpressions"`
}

// ApplicationSetTemplate is an Application whose strings may hold placeholders.
type ApplicationSetTemplate struct {
	ApplicationSetTemplateMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Spec                       ApplicationSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`
}

// ApplicationSetTemplateMeta is the part of metadata that a template may set.
type ApplicationSetTemplateMeta struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	// Namespace is accepted and ignored: applications live beside their ApplicationSet.
	Namespace   string            `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Labels      map[string]string `json:"labels,omitempty" protobuf:"bytes,3,rep,name=labels"`
	Annotations map[string]string `json:"annotations,omitempty" protobuf:"bytes,4,rep,name=annotations"`
	Finalizers  []string          `json:"finalizers,omitempty" protobuf:"bytes,5,rep,name=finalizers"`
}
