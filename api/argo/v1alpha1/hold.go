package v1alpha1

import (
	"encoding/json"
	"fmt"
	"time"
)

// HoldAnnotation keeps a Hold on an Application, as JSON.
const HoldAnnotation = "fairlead.dev/hold"

// Hold is what a rollback leaves behind, so that it sticks: while an application has one, neither an automated sync nor
// an image update touches it. It ends when a person releases it, or syncs to a version of their choice.
//
// +kubebuilder:object:generate=false
type Hold struct {
	// HistoryID and Revision are what was rolled back to.
	HistoryID int64  `json:"historyID"`
	Revision  string `json:"revision,omitempty"`
	// By is the user that asked for it.
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Hold returns the application's hold; nil means none. A hold that can't be read is an error and still a hold: the
// caller should treat the application as held.
func (a *Application) Hold() (*Hold, error) {
	raw, ok := a.Annotations[HoldAnnotation]
	if !ok {
		return nil, nil
	}
	hold := &Hold{}
	if err := json.Unmarshal([]byte(raw), hold); err != nil {
		return hold, fmt.Errorf("reading annotation %s of application %s: %w", HoldAnnotation, a.Name, err)
	}
	return hold, nil
}

// Held tells whether the application has a hold.
func (a *Application) Held() bool {
	_, ok := a.Annotations[HoldAnnotation]
	return ok
}

// SetHold puts a hold on the application, in place of one that it may have.
func (a *Application) SetHold(hold Hold) {
	raw, err := json.Marshal(hold)
	if err != nil {
		panic(err) // a struct of strings, numbers and a time always encodes
	}
	if a.Annotations == nil {
		a.Annotations = map[string]string{}
	}
	a.Annotations[HoldAnnotation] = string(raw)
}

// ClearHold releases the hold, if there is one.
func (a *Application) ClearHold() { delete(a.Annotations, HoldAnnotation) }
