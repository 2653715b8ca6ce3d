package protocol

// HoldRequest names an application whose hold is to be released.
type HoldRequest struct {
	Name         string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,2,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
}

// RolloutQuery names an application, and one of its Rollouts where it has several.
type RolloutQuery struct {
	Application  string `json:"application,omitempty" protobuf:"bytes,1,opt,name=application"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,2,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
	// Name and Namespace are the Rollout's; they may be empty if the application has but one.
	Name      string `json:"name,omitempty" protobuf:"bytes,4,opt,name=name"`
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,5,opt,name=namespace"`
}

// RolloutActionRequest steers a Rollout.
type RolloutActionRequest struct {
	Rollout RolloutQuery `json:"rollout" protobuf:"bytes,1,opt,name=rollout"`
	// Full makes Promote skip all remaining steps.
	Full bool `json:"full,omitempty" protobuf:"varint,2,opt,name=full"`
	// ToRevision is what Undo goes back to; 0 means the one before.
	ToRevision int64 `json:"toRevision,omitempty" protobuf:"varint,3,opt,name=toRevision"`
}

// RolloutList is a list of Rollouts.
type RolloutList struct {
	Items []*Rollout `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// Rollout is how far a Rollout has come, for people.
type Rollout struct {
	Application string `json:"application,omitempty" protobuf:"bytes,1,opt,name=application"`
	Namespace   string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Name        string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
	// Strategy is "Canary" or "BlueGreen".
	Strategy string `json:"strategy,omitempty" protobuf:"bytes,4,opt,name=strategy"`
	// Phase is Healthy, Progressing, Paused or Degraded; Message says why.
	Phase   string `json:"phase,omitempty" protobuf:"bytes,5,opt,name=phase"`
	Message string `json:"message,omitempty" protobuf:"bytes,6,opt,name=message"`
	// Step of Steps, counted from 0; Step equals Steps at the end.
	Step  int32 `json:"step,omitempty" protobuf:"varint,7,opt,name=step"`
	Steps int32 `json:"steps,omitempty" protobuf:"varint,8,opt,name=steps"`
	// Weight is the canary's share of the traffic in percent, as far as the steps say.
	Weight int32 `json:"weight,omitempty" protobuf:"varint,9,opt,name=weight"`
	// Desired, Current, Updated, Ready and Available count pods.
	Desired   int32 `json:"desired,omitempty" protobuf:"varint,10,opt,name=desired"`
	Current   int32 `json:"current,omitempty" protobuf:"varint,11,opt,name=current"`
	Updated   int32 `json:"updated,omitempty" protobuf:"varint,12,opt,name=updated"`
	Ready     int32 `json:"ready,omitempty" protobuf:"varint,13,opt,name=ready"`
	Available int32 `json:"available,omitempty" protobuf:"varint,14,opt,name=available"`
	// StableHash and CurrentHash are the pod template hashes; they are equal when nothing rolls out.
	StableHash  string   `json:"stableHash,omitempty" protobuf:"bytes,15,opt,name=stableHash"`
	CurrentHash string   `json:"currentHash,omitempty" protobuf:"bytes,16,opt,name=currentHash"`
	Images      []string `json:"images,omitempty" protobuf:"bytes,17,rep,name=images"`
	Aborted     bool     `json:"aborted,omitempty" protobuf:"varint,18,opt,name=aborted"`
	Paused      bool     `json:"paused,omitempty" protobuf:"varint,19,opt,name=paused"`
	// Manifest is the live object as JSON; lists leave it out.
	Manifest string `json:"manifest,omitempty" protobuf:"bytes,20,opt,name=manifest"`
}
