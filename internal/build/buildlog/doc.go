// Package buildlog keeps what builds print: in a file while a build runs, where any number of readers follow it, and in the
// image registry when it is finished, where it outlives the hub.
//
// The file's folder is a cache. A log is stored as an OCI artifact in a repository next to the image, so that no policy
// that picks image tags sees it, with the Build's name as tag. Lines are bounded in length, logs in size, and known secrets
// are masked before they are written anywhere.
//
// Which builds there are is package build's and the controller's matter. Start with Store: Writer, End, Follow, Archive.
package buildlog
