// Package controller is the table of contents of the loops: which controllers a hub runs, and which an agent. Each is a
// package below this one, and reconciles as observe, decide (in a pure package), act, and one status write.
package controller

import (
	ctrl "sigs.k8s.io/controller-runtime"

	"fairlead.dev/fairlead/internal/controller/application"
	"fairlead.dev/fairlead/internal/controller/applicationset"
	"fairlead.dev/fairlead/internal/controller/build"
	"fairlead.dev/fairlead/internal/controller/imageupdate"
	"fairlead.dev/fairlead/internal/controller/rollout"
)

// Hub is what the controllers of a hub work with.
type Hub struct {
	Builds             build.Deps
	Images             imageupdate.Deps
	ImageOptions       imageupdate.Options
	Applications       application.Dependencies
	ApplicationOptions application.Options
	Sets               applicationset.Dependencies
	SetOptions         applicationset.Options
}

// SetupHub adds the hub's controllers to a manager, in the order of a commit's way.
func SetupHub(mgr ctrl.Manager, hub Hub) error {
	// A push to the code becomes an image,
	if err := build.Setup(mgr, hub.Builds); err != nil {
		return err
	}
	// whose tag is written into the deployment repository,
	if err := imageupdate.Setup(mgr, hub.Images, hub.ImageOptions); err != nil {
		return err
	}
	// where application sets find what applications there are to be,
	making := &applicationset.Making{}
	hub.Sets.Making, hub.Applications.Making = making, making
	if err := applicationset.Setup(mgr, hub.Sets, hub.SetOptions); err != nil {
		return err
	}
	// and from which applications are deployed.
	return application.Setup(mgr, hub.Applications, hub.ApplicationOptions)
}

// SetupAgent adds the controllers of a member cluster to a manager.
func SetupAgent(mgr ctrl.Manager, rollouts rollout.Options) error {
	// A changed Rollout goes to its new version step by step.
	return rollout.SetupWithManager(mgr, rollouts)
}
