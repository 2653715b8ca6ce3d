package project

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
)

// FaultKind is what sort of fault a project has; upstream's API tells them apart by status codes.
type FaultKind int

// The kinds.
const (
	// Malformed is something that can't be read or makes no sense.
	Malformed FaultKind = iota
	// Duplicate is a role, policy, group or window that is there twice.
	Duplicate
	// Incomplete is a window that concerns nothing.
	Incomplete
)

// Fault is what is wrong with a project, in upstream's words.
type Fault struct {
	Kind FaultKind
	Text string
}

func (f *Fault) Error() string { return f.Text }

func malformed(format string, arguments ...any) error {
	return &Fault{Malformed, fmt.Sprintf(format, arguments...)}
}

func duplicate(format string, arguments ...any) error {
	return &Fault{Duplicate, fmt.Sprintf(format, arguments...)}
}

// Validate tells the first fault of a project; the error is a *Fault. Whether a window's time can be read the caller tells by
// checkWindow, whose error may be any.
func Validate(p *v1alpha1.AppProject, checkWindow func(*v1alpha1.SyncWindow) error) error {
	for _, check := range []func(*v1alpha1.AppProject) error{validateDestinations, validateSources, validateRoles} {
		if err := check(p); err != nil {
			return err
		}
	}
	if err := validateWindows(p, checkWindow); err != nil {
		return err
	}
	return validateAccounts(p)
}

func validateDestinations(p *v1alpha1.AppProject) error {
	seen := map[string]bool{}
	for _, d := range p.Spec.Destinations {
		for _, part := range []struct{ field, value string }{{"name", d.Name}, {"server", d.Server}, {"namespace", d.Namespace}} {
			if part.value == "!*" {
				return malformed("%s has an invalid format, '!*'", part.field)
			}
		}
		key := d.Server + "/" + d.Namespace
		if d.Server == "" && d.Name != "" {
			key = d.Name + "/" + d.Namespace
		}
		if seen[key] {
			return malformed("destination '%s' already added", key)
		}
		seen[key] = true
	}
	return nil
}

func validateSources(p *v1alpha1.AppProject) error {
	namespaces, repositories := map[string]bool{}, map[string]bool{}
	for _, namespace := range p.Spec.SourceNamespaces {
		if namespaces[namespace] {
			return malformed("source namespace '%s' already added", namespace)
		}
		namespaces[namespace] = true
	}
	for _, repository := range p.Spec.SourceRepos {
		if repository == "!*" {
			return malformed("source repository has an invalid format, '!*'")
		}
		if repositories[repository] {
			return malformed("source repository '%s' already added", repository)
		}
		repositories[repository] = true
	}
	return nil
}

var roleName = regexp.MustCompile(`^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$`)

func validateRoles(p *v1alpha1.AppProject) error {
	roles := map[string]bool{}
	for _, role := range p.Spec.Roles {
		if roles[role.Name] {
			return duplicate("role '%s' already exists", role.Name)
		}
		roles[role.Name] = true
		if !roleName.MatchString(role.Name) {
			return malformed("invalid role name '%s'. Must consist of alphanumeric characters, '-' or '_', and must start and end with an alphanumeric character", role.Name)
		}
		policies, groups := map[string]bool{}, map[string]bool{}
		for _, policy := range role.Policies {
			if policies[policy] {
				return duplicate("policy '%s' already exists for role '%s'", policy, role.Name)
			}
			policies[policy] = true
			if err := validatePolicy(p.Name, role.Name, policy); err != nil {
				return err
			}
		}
		for _, group := range role.Groups {
			if groups[group] {
				return duplicate("group '%s' already exists for role '%s'", group, role.Name)
			}
			groups[group] = true
			if err := validateGroup(group); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	projectResources = map[string]bool{
		access.Applications: true, access.ApplicationSets: true, access.Logs: true, access.Exec: true, access.Clusters: true,
		access.Repositories: true,
		// Builds are Fairlead's own.
		access.Builds: true,
	}
	projectActions = map[string]bool{
		access.Get: true, access.Create: true, access.Update: true, access.Delete: true, access.Sync: true, access.Override: true,
		access.Rollback: true, "*": true,
	}
	objectActions = regexp.MustCompile(`^(action|update|delete)/`)
	objectName    = regexp.MustCompile(`^(/[*\w.-]+)?/[*\w.-]+$`)
)

// validatePolicy checks one line of a role's policies: it must be about the role, and about the project's things.
func validatePolicy(project, role, policy string) error {
	fields := strings.Split(policy, ",")
	for i := range fields {
		fields[i] = strings.Trim(fields[i], " ")
	}
	if len(fields) != 6 || fields[0] != "p" || strings.ContainsAny(policy, "\n\r\"") {
		return malformed("invalid policy rule '%s': must be of the form: 'p, sub, res, act, obj, eft'", policy)
	}
	subject, resource, action, object, effect := fields[1], fields[2], fields[3], fields[4], fields[5]
	within, ok := strings.CutPrefix(object, project)
	switch want := access.ProjectSubject(project, role); {
	case subject != want:
		return malformed("invalid policy rule '%s': policy subject must be: '%s', not '%s'", policy, want, subject)
	case !projectResources[resource]:
		return malformed("invalid policy rule '%s': project resource must be: 'applications', 'applicationsets', 'repositories', 'exec', 'logs' or 'clusters', not '%s'", policy, resource)
	case !projectActions[action] && !objectActions.MatchString(action):
		return malformed("invalid policy rule '%s': invalid action '%s'", policy, action)
	case !ok || !objectName.MatchString(within):
		return malformed("invalid policy rule '%s': object must be of form '%s/*', '%s[/<NAMESPACE>]/<APPNAME>' or '%s/<APPNAME>', not '%s'", policy, project, project, project, object)
	case effect != "allow" && effect != "deny":
		return malformed("invalid policy rule '%s': effect must be: 'allow' or 'deny'", policy)
	}
	return nil
}

func validateGroup(group string) error {
	name := strings.TrimSpace(group)
	quoted := len(name) > 1 && strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`)
	runes := []rune(group)
	switch {
	case quoted:
		name = name[1 : len(name)-1]
	case strings.Contains(name, ","):
		return malformed("group '%s' must be quoted", name)
	}
	switch {
	case name == "":
		return malformed("group '%s' is empty", name)
	case strings.ContainsAny(name, "\"\n\r\t"):
		return malformed("group '%s' contains invalid characters", name)
	case len(runes) > 1 && unicode.IsSpace(runes[0]):
		return malformed("group '%s' contains a leading space", name)
	case len(runes) > 1 && unicode.IsSpace(runes[len(runes)-1]):
		return malformed("group '%s' contains a trailing space", name)
	}
	return nil
}

// maxWindowDescription is upstream's bound.
const maxWindowDescription = 255

func validateWindows(p *v1alpha1.AppProject, check func(*v1alpha1.SyncWindow) error) error {
	var seen []v1alpha1.SyncWindow
	for _, w := range p.Spec.SyncWindows {
		if w == nil {
			continue
		}
		// What lets manual syncs past, or describes, doesn't make another window.
		identity := *w
		identity.ManualSync, identity.SyncOverrun, identity.Description = false, false, ""
		for _, other := range seen {
			if reflect.DeepEqual(other, identity) {
				return duplicate("sync window with kind '%s', schedule '%s', and duration '%s' already exists", w.Kind, w.Schedule, w.Duration)
			}
		}
		seen = append(seen, identity)
		if err := check(w); err != nil {
			return malformed("%s", err.Error())
		}
		if len(w.Description) > maxWindowDescription {
			return malformed("description must not exceed %d characters", maxWindowDescription)
		}
		if len(w.Applications)+len(w.Namespaces)+len(w.Clusters) == 0 {
			return &Fault{Incomplete, fmt.Sprintf("window '%s':'%s':'%s' requires one of application, cluster or namespace", w.Kind, w.Schedule, w.Duration)}
		}
	}
	return nil
}

func validateAccounts(p *v1alpha1.AppProject) error {
	seen := map[string]bool{}
	for _, a := range p.Spec.DestinationServiceAccounts {
		key := a.Server + "/" + a.Namespace
		switch {
		case strings.Contains(a.Server, "!") || !sensible(a.Server):
			return malformed("server has an invalid format, '%s'", a.Server)
		case strings.Contains(a.Namespace, "!") || !sensible(a.Namespace):
			return malformed("namespace has an invalid format, '%s'", a.Namespace)
		case !validAccount(a.DefaultServiceAccount):
			return malformed("defaultServiceAccount has an invalid format, '%s'", a.DefaultServiceAccount)
		case seen[key]:
			return malformed("destinationServiceAccount '%s' already added", key)
		}
		seen[key] = true
	}
	return nil
}

func validAccount(name string) bool {
	return strings.TrimSpace(name) != "" && !strings.ContainsAny(name, `!*[]{}\/`)
}

// NormalizePolicies puts one space after the commas of the policies of all roles, as upstream keeps them.
func NormalizePolicies(p *v1alpha1.AppProject) {
	for i := range p.Spec.Roles {
		for j, policy := range p.Spec.Roles[i].Policies {
			fields := strings.Split(policy, ",")
			for k := 1; k < len(fields); k++ {
				fields[k] = strings.Trim(fields[k], " ")
			}
			p.Spec.Roles[i].Policies[j] = strings.Join(fields, ", ")
		}
	}
}
