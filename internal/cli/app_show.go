package cli

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// commitID is a commit's id, or the beginning of one.
var commitID = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// appURL is the page of an application in the hub's web interface.
func appURL(ctx context.Context, c *client.Client, ref string) (string, error) {
	settings, err := client.Call(ctx, c, protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil {
		return "", err
	}
	return firstOf(settings.URL, strings.TrimSuffix(c.Server(), ":443")) + "/applications/" + ref, nil
}

// field prints a labelled line.
func (r *root) field(label string, value any) { _ = output.Field(r.streams.Out, label, value) }

// printSummary shows an application in lines; windows are nil where they aren't asked for.
func (r *root) printSummary(app *v1alpha1.Application, url string, windows *protocol.ApplicationSyncWindowsResponse) {
	r.field("Name", qualified(app))
	r.field("Project", app.Spec.ProjectName())
	r.field("Server", firstOf(app.Spec.Destination.Server, app.Spec.Destination.Name))
	r.field("Namespace", app.Spec.Destination.Namespace)
	r.field("URL", url)
	if app.Spec.HasSeveralSources() {
		r.printf("Sources:\n")
	} else {
		r.printf("Source:\n")
	}
	for _, source := range app.Spec.AllSources() {
		r.printSource(source)
	}
	status, assigned := windowStatus(windows)
	r.field("SyncWindow", status)
	if assigned != "" {
		r.field("Assigned Windows", assigned)
	}
	policy := "Manual"
	if automation := app.Spec.Automation(); automation != nil {
		policy = "Automated"
		if automation.Prunes() {
			policy += " (Prune)"
		}
	}
	r.field("Sync Policy", policy)
	r.field("Sync Status", syncText(app))
	r.field("Health Status", app.Status.Health.Status)
	if hold := holdText(app); hold != "" {
		r.field("Hold", hold)
	}
}

func (r *root) printSource(source v1alpha1.ApplicationSource) {
	r.field("- Repo", source.RepoURL)
	r.field("  Target", source.TargetRevision)
	for _, line := range [][2]string{{"  Path", source.Path}, {"  Ref", source.Ref}} {
		if line[1] != "" {
			r.field(line[0], line[1])
		}
	}
	if source.Helm != nil && len(source.Helm.ValueFiles) > 0 {
		r.field("  Helm Values", strings.Join(source.Helm.ValueFiles, ","))
	}
	if source.Kustomize != nil && source.Kustomize.NamePrefix != "" {
		r.field("  Name Prefix", source.Kustomize.NamePrefix)
	}
}

// syncText is what the cluster was compared with, and how it came out.
func syncText(app *v1alpha1.Application) string {
	text, target := string(app.Status.Sync.Status), firstSource(app).TargetRevision
	switch app.Status.Sync.Status {
	case v1alpha1.SyncStatusCodeSynced:
		text += " to " + target
	case v1alpha1.SyncStatusCodeOutOfSync:
		text += " from " + target
	}
	if revision := app.Status.Sync.Revision; !commitID.MatchString(target) && len(revision) > 7 {
		text += fmt.Sprintf(" (%s)", revision[:7])
	}
	return text
}

// windowStatus tells what the sync windows allow, and which there are.
func windowStatus(windows *protocol.ApplicationSyncWindowsResponse) (status, assigned string) {
	if windows == nil {
		return "Sync Allowed", ""
	}
	var texts []string
	kinds := map[string]int{}
	for _, w := range windows.AssignedWindows {
		texts = append(texts, w.Kind+":"+w.Schedule+":"+w.Duration)
		kinds[w.Kind]++
	}
	active := map[string]int{}
	for _, w := range windows.ActiveWindows {
		active[w.Kind]++
	}
	held := active["deny"] > 0 || active["allow"] == 0 && kinds["allow"] > 0
	switch {
	case held && windows.CanSync:
		status = "Manual Allowed"
	case held:
		status = "Sync Denied"
	default:
		status = "Sync Allowed"
	}
	return status, strings.Join(texts, ",")
}

func holdText(app *v1alpha1.Application) string {
	hold, err := app.Hold()
	switch {
	case err != nil:
		return "unreadable; release it with 'fairlead app release " + app.Name + "'"
	case hold == nil:
		return ""
	}
	return fmt.Sprintf("rolled back to %s (history %d) by %s at %s; release it with 'fairlead app release %s'",
		short(hold.Revision), hold.HistoryID, firstOf(hold.By, "unknown"), hold.At.Format(time.RFC3339), app.Name)
}

// printOperation shows what the last operation did.
func (r *root) printOperation(state *v1alpha1.OperationState) {
	if state == nil {
		return
	}
	if result := state.SyncResult; result != nil {
		r.field("Operation", "Sync")
		revision := result.Revision
		if len(result.Sources) > 0 && len(result.Revisions) > 0 {
			revision = strings.Join(result.Revisions, ", ")
		}
		r.field("Sync Revision", revision)
	}
	r.field("Phase", state.Phase)
	r.field("Start", state.StartedAt)
	end := time.Now()
	if state.FinishedAt != nil {
		end = state.FinishedAt.Time
	}
	r.field("Finished", state.FinishedAt)
	r.field("Duration", end.Sub(state.StartedAt.Time).Truncate(time.Second))
	if state.Message != "" {
		r.field("Message", state.Message)
	}
}

// objectState is how an object of an application is, and what the last sync did to it.
type objectState struct{ group, kind, namespace, name, status, health, hook, message string }

func (s objectState) key() string { return s.group + "/" + s.kind + "/" + s.namespace + "/" + s.name }

// objectStates are those of the last sync in its order, and then the others by name; with a selection those that it has.
func objectStates(app *v1alpha1.Application, selected []v1alpha1.SyncOperationResource) []objectState {
	var states, rest []objectState
	left := map[string]objectState{}
	for _, o := range app.Status.Resources {
		state := objectState{group: o.Group, kind: o.Kind, namespace: o.Namespace, name: o.Name, status: string(o.Status)}
		if o.Health != nil {
			state.health = string(o.Health.Status)
		}
		left[state.key()] = state
	}
	if state := app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, o := range state.SyncResult.Resources {
			s := objectState{
				group: o.Group, kind: o.Kind, namespace: o.Namespace, name: o.Name,
				status: string(o.HookPhase), health: string(o.Status), hook: string(o.HookType), message: o.Message,
			}
			if now, ok := left[s.key()]; ok && o.HookType == "" {
				s.status, s.health = now.status, now.health
			}
			states = append(states, s)
			delete(left, s.key())
		}
	}
	for _, s := range left {
		rest = append(rest, s)
	}
	slices.SortFunc(rest, func(a, b objectState) int { return cmp.Compare(a.key(), b.key()) })
	states = append(states, rest...)
	if len(selected) == 0 {
		return states
	}
	return slices.DeleteFunc(states, func(s objectState) bool {
		return !selects(selected, v1alpha1.ResourceStatus{Group: s.group, Kind: s.kind, Namespace: s.namespace, Name: s.name})
	})
}

// selects tells whether an object is among those selected: one that no rule excludes, and that a rule includes if there are
// any that include. Parts may be *.
func selects(rules []v1alpha1.SyncOperationResource, o v1alpha1.ResourceStatus) bool {
	included, including := false, false
	for _, rule := range rules {
		matches := (rule.Group == "*" || rule.Group == o.Group) && (rule.Kind == "*" || rule.Kind == o.Kind) &&
			(rule.Name == "*" || rule.Name == o.Name) && (rule.Namespace == "*" || rule.Namespace == "" || rule.Namespace == o.Namespace)
		if rule.Exclude && matches {
			return false
		}
		including = including || !rule.Exclude
		included = included || !rule.Exclude && matches
	}
	return included || !including
}

// printObjects shows the objects of an application.
func (r *root) printObjects(app *v1alpha1.Application) error {
	states := objectStates(app, nil)
	return output.Print(r.streams.Out, output.Table, nil, states, []output.Column[objectState]{
		{Title: "GROUP", Cell: func(s objectState) string { return s.group }},
		{Title: "KIND", Cell: func(s objectState) string { return s.kind }},
		{Title: "NAMESPACE", Cell: func(s objectState) string { return s.namespace }},
		{Title: "NAME", Cell: func(s objectState) string { return s.name }},
		{Title: "STATUS", Cell: func(s objectState) string { return s.status }},
		{Title: "HEALTH", Cell: func(s objectState) string { return s.health }},
		{Title: "HOOK", Cell: func(s objectState) string { return s.hook }},
		{Title: "MESSAGE", Cell: func(s objectState) string { return s.message }},
	})
}

// printConditions shows what a person should know of an application.
func (r *root) printConditions(app *v1alpha1.Application) error {
	return output.Print(r.streams.Out, output.Table, nil, app.Status.Conditions, []output.Column[v1alpha1.ApplicationCondition]{
		{Title: "CONDITION", Cell: func(c v1alpha1.ApplicationCondition) string { return string(c.Type) }},
		{Title: "MESSAGE", Cell: func(c v1alpha1.ApplicationCondition) string { return c.Message }},
		{Title: "LAST TRANSITION", Cell: func(c v1alpha1.ApplicationCondition) string { return fmt.Sprint(c.LastTransitionTime) }},
	})
}

// printParameters shows the Helm parameters of a source.
func (r *root) printParameters(source v1alpha1.ApplicationSource) error {
	if source.Helm == nil {
		return nil
	}
	r.printf("\n\n")
	return output.Print(r.streams.Out, output.Table, nil, source.Helm.Parameters, []output.Column[v1alpha1.HelmParameter]{
		{Title: "NAME", Cell: func(p v1alpha1.HelmParameter) string { return p.Name }},
		{Title: "VALUE", Cell: func(p v1alpha1.HelmParameter) string {
			if value := []rune(p.Value); len(value) > 80 {
				return string(value[:77]) + "..."
			}
			return p.Value
		}},
	})
}

func joinNonEmpty(first, second string) string {
	if second == "" {
		return first
	}
	return first + ": " + second
}
