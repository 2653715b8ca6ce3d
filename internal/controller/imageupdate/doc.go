// Package imageupdate writes new versions of images to where applications take them from: for all applications of one
// deployment repository in one commit.
//
// It is the loop only. Which tag an application should run, and how that is written, is decided by package imagepolicy;
// registries are asked by package oci, and package git commits and pushes. Nothing here deploys: the commit does, on its way
// through the application controller, which is told of the push.
//
// Start with setup.go, which says what starts a round, and Reconciler.Reconcile, which is one round for one destination (a
// branch of a repository): the phases are observe (observe.go), decide (decide.go), write (write.go), report (report.go).
//
// A round starts when a registry tells of a tag, when a Build has succeeded (so that a lost event does no harm), when an
// application's annotations, source or images change, when somebody else pushes to the branch, and from time to time. It keeps
// no state that matters: what was written and what people took back is in Git.
//
// Two conditions on the Application are this controller's: ConditionError says what keeps updates from being written, and
// ConditionTakenBack that a version is left out because a person reverted it in Git.
package imageupdate
