// Package deeplink decides which links an operator's argocd-cm offers beside an application, an object or a project, as Argo CD's
// deep links do (application.links, resource.links, project.links). It follows no link and reads no object: it is given what
// conditions and templates may look at. Start with Evaluate.
package deeplink
