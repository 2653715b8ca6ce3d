// Package access decides who may do what: Argo CD's RBAC policies (its CSV, its built-in roles, globs or regular
// expressions), compiled so that a decision costs next to nothing.
//
// It is pure: it reads no ConfigMap and knows no session. The hub hands it the data of argocd-rbac-cm and the projects,
// and asks for a User's Check of one resource and action, which it then calls for each object. Start with Compile.
package access

import (
	"strings"
)

// The resources that policies are about. Builds is ours.
const (
	Applications      = "applications"
	ApplicationSets   = "applicationsets"
	Builds            = "builds"
	Clusters          = "clusters"
	Projects          = "projects"
	Repositories      = "repositories"
	WriteRepositories = "write-repositories"
	Certificates      = "certificates"
	Accounts          = "accounts"
	GPGKeys           = "gpgkeys"
	Logs              = "logs"
	Exec              = "exec"
	Extensions        = "extensions"
)

// The actions. Those on single objects of an application have the form action/GROUP/KIND/NAME (see RunAction), and
// likewise update/… and delete/….
const (
	Get      = "get"
	Create   = "create"
	Update   = "update"
	Delete   = "delete"
	Sync     = "sync"
	Rollback = "rollback"
	Override = "override"
	Action   = "action"
	Invoke   = "invoke"
)

// Resources and Actions are all of them, in upstream's order.
var (
	Resources = []string{
		Clusters, Projects, Applications, ApplicationSets, Repositories, WriteRepositories, Certificates, Accounts, GPGKeys,
		Logs, Exec, Extensions, Builds,
	}
	Actions = []string{Get, Create, Update, Delete, Sync, Rollback, Override, Action, Invoke}
)

// RunAction is the action of running a named resource action on a kind, such as action/argoproj.io/Rollout/resume.
func RunAction(group, kind, name string) string {
	return Action + "/" + group + "/" + kind + "/" + name
}

// OnObject is an action on one live object of an application, such as delete//Pod/dev/web-0.
func OnObject(action, group, kind, namespace, name string) string {
	return action + "/" + group + "/" + kind + "/" + namespace + "/" + name
}

// InProject is the object name of a thing that belongs to a project: project/name, or the name alone without a project
// (clusters and repositories that every project may use).
func InProject(project, name string) string {
	if project == "" {
		return name
	}
	return project + "/" + name
}

// ApplicationName is the object name of an application: project/name in the hub's own namespace, else
// project/namespace/name.
func ApplicationName(hubNamespace, project, namespace, name string) string {
	if namespace == "" || namespace == hubNamespace {
		return project + "/" + name
	}
	return project + "/" + namespace + "/" + name
}

// projectOf is the project that an object belongs to; "" for none.
func projectOf(resource, object string) string {
	switch resource {
	case Projects:
		return object
	case Applications, ApplicationSets, Repositories, Clusters, Logs, Exec, Builds:
		// What stands before the slash of https://… is no project's name.
		if project, _, found := strings.Cut(object, "/"); found && !strings.HasSuffix(project, ":") {
			return project
		}
	}
	return ""
}
