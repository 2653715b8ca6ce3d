// Package imagepolicy decides which tag of an image an application should run, and how that is written down in Git: the
// rules of Argo CD Image Updater, read from the annotations of an Application.
//
// It is pure: values in, values out. It asks no registry (package oci does), pushes to no repository (package git does) and
// knows no schedule (controller/imageupdate does).
//
// Start with Parse, which makes a Policy of an Application. Pick chooses a tag from those that a registry has. Policy.Recorded
// and Policy.Record read and edit the file that the choice is written to: .argocd-source-APP.yaml, a kustomization, or a Helm
// values file. Rejections finds in a file's history what people took back, so that a `git revert` is not overridden by the next
// update. Message words the commit.
//
// The annotations, file formats and commit message are those of https://argocd-image-updater.readthedocs.io, so that
// repositories and tools which know them go on working. What differs is written where it differs.
package imagepolicy
