// Package plugin renders sources by config management plugins: programs of the user that run in sidecars, each behind a Unix
// socket in one folder, and speak Argo CD's protocol (gRPC service plugin.ConfigManagementPluginService, as in Argo CD 3.6).
// Argo CD's own sidecar image serves it, with the plugin.yaml that its users have.
//
// The plugin gets the files of the repository in an archive, and variables; it answers with manifests. Archive, answer and
// time are bounded. A plugin that can't be reached is an error, also when it is only asked whether a folder is its own:
// else an application would be rendered as something else, and what the plugin made would be deleted.
//
// The package runs no plugins. Start with Client; wire.go is the protocol, archive.go what is sent, parameters.go the
// variables.
package plugin
