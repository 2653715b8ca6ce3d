//go:build integration

package application

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/signature/signaturetest"
	"fairlead.dev/fairlead/internal/testkube"
)

// TestScenarios runs testdata/scenarios/*.txtar, each with a deployment repository, a hub and a target namespace of its own
// in a real API server (there are no nodes: pods don't run). Besides testscript's own commands (cmp, stdout, env, grep …) a
// scenario has these; `!` in front means that it must fail where that makes sense.
//
//	start [Option=VALUE...]        run a hub; options are the fields of Options: start Poll=300ms HookGrace=0s
//	halt, restart [Option=VALUE…]  kill it without grace; kill it and run another, with nothing in memory
//	clock TIME                     it is that time (RFC 3339) for the hub now; timers that run are not moved
//	commit [-quiet] [-replace] [-rm PATH]... [-m MSG] [DIR]
//	                               commit the scenario's files under DIR (-replace: and nothing else), and tell the hub as a
//	                               webhook does (-quiet: don't); commits are called commit1, commit2 …
//	git ARGS...                    run git in the clone; `notify` then tells the hub of a push
//	publish DIR CHART VERSION      pack the folder as that version of a chart, in the Helm repository $CHARTS and the registry
//	                               $REGISTRY, as the artifact deploy:VERSION too
//	host [-lfs FILE]... NAME DIR   commit the files under DIR to another repository, $OTHERS/NAME, and tell the hub; those whose name
//	                               begins with private- want the user ann with the password secret; with -lfs the file's
//	                               content is kept by Git LFS. forget-lfs has the host lose all such contents
//	plugin NAME GENERATE [DISCOVER]
//	                               run a config management plugin: shell scripts that run in the application's folder
//	break-charts, mend-charts      the Helm repository answers with errors; is well again
//	sign [-key FILE | -tag NAME]   sign the newest commit, which then has another name, and tell the hub; -key makes the key, whose
//	                               ID is $KEYID from then on, and writes the ConfigMap of public keys; -tag makes a signed tag
//	apply FILE                     server-side apply manifests; applications get what they leave out: the hub's namespace, a
//	                               name of the scenario's own, project default, repository, revision main and the destination
//	patch NAME JSON                merge patch of an application
//	delete NAME                    delete an application (returns at once)
//	kubectl ARGS...                kubectl, in the target namespace
//	sync NAME [-revision COMMIT]... [-prune] [-dry-run] [-force] [-strategy apply|hook] [-resource GROUP:KIND:NAME]...
//	     [-option SYNCOPTION]... [-local FILE]... [-async]
//	                               ask for an operation, as the API does, and wait for its end (-async: don't); prints it.
//	                               -local sends the file's manifests along, several revisions are those of the sources in
//	                               their order
//	rollback NAME ID               hold the application at a history entry, as `fairlead app rollback` does
//	release NAME, terminate NAME   end the hold; end the operation
//	refresh NAME [hard]            ask for a new look, and wait for it
//	end JOB Complete|Failed        play the Job controller
//	await NAME STATE...            wait until all are so: synced outofsync unknown · healthy progressing degraded suspended
//	                               missing · phase=Succeeded · message~REGEXP (of the operation) · at=commit2 (compared with) ·
//	                               ran=commit2 (operation's revision) · condition=TYPE[~REGEXP] · nocondition[=TYPE] · idle ·
//	                               gone
//	app NAME                       print a table of the application's state
//	history NAME                   print its history
//	live KIND[.GROUP]/NAME PATH [VALUE]
//	                               print a value of an object in the target namespace (or NAMESPACE/NAME) by JSONPath, such as
//	                               .data.key; with VALUE wait until it is that. `! live KIND/NAME` waits until it is gone
//	writes, requests               what the hub wrote to / asked of the API server since it was last asked
//	reconciles                     how many reconciles went through since it was last asked; waits until there are no more
//	renderings                     how many renderings the hub has made
//
// Arguments and files may say $NS (the target namespace), $HUB (the hub's), $REPO (the repository's URL), $WORK (the folder)
// and ${APP}NAME (an application's real name). What commands print has them the other way round, so that it can be compared
// word for word.
func TestScenarios(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "scenarios"),
		Setup: func(env *testscript.Env) error { return newScenario(env) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":        do((*scenario).cmdStart),
			"halt":         do((*scenario).cmdHalt),
			"restart":      do((*scenario).cmdRestart),
			"clock":        do((*scenario).cmdClock),
			"commit":       do((*scenario).cmdCommit),
			"git":          do((*scenario).cmdGit),
			"publish":      do((*scenario).cmdPublish),
			"host":         do((*scenario).cmdHost),
			"forget-lfs":   do((*scenario).cmdForgetLFS),
			"plugin":       do((*scenario).cmdPlugin),
			"break-charts": do((*scenario).cmdBreakCharts),
			"mend-charts":  do((*scenario).cmdMendCharts),
			"notify":       do((*scenario).cmdNotify),
			"apply":        do((*scenario).cmdApply),
			"sign":         do((*scenario).cmdSign),
			"patch":        do((*scenario).cmdPatch),
			"delete":       do((*scenario).cmdDelete),
			"kubectl":      do((*scenario).cmdKubectl),
			"sync":         do((*scenario).cmdSync),
			"rollback":     do((*scenario).cmdRollback),
			"release":      do((*scenario).cmdRelease),
			"terminate":    do((*scenario).cmdTerminate),
			"refresh":      do((*scenario).cmdRefresh),
			"end":          do((*scenario).cmdEnd),
			"await":        do((*scenario).cmdWait),
			"app":          do((*scenario).cmdApp),
			"history":      do((*scenario).cmdHistory),
			"live":         do((*scenario).cmdLive),
			"writes":       do((*scenario).cmdWrites),
			"requests":     do((*scenario).cmdRequests),
			"reconciles":   do((*scenario).cmdReconciles),
			"renderings":   do((*scenario).cmdRenderings),
		},
	})
}

// scenario is a fleet that a script commands.
type scenario struct {
	*fleet
	// commits are those made so far; the first is called commit1.
	commits []string
	// key signs commits; nil until the script wants one.
	key *signaturetest.Key
	// reconciled is what was counted when the script last asked.
	reconciled uint64
}

type scenarioKey struct{}

func newScenario(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("%T is no testing.TB", env.T())
	}
	s := &scenario{fleet: newFleet(t)}
	env.Values[scenarioKey{}] = s
	for name, value := range s.variables() {
		env.Setenv(name, value)
	}
	env.Setenv("KUBECONFIG", testkube.Kubeconfig(t))
	return nil
}

// variables are what scripts and files may say.
func (s *scenario) variables() map[string]string {
	return map[string]string{"NS": s.target, "HUB": s.hub, "REPO": s.url, "APP": s.name(""), "CHARTS": s.published.url, "REGISTRY": s.published.registry, "OTHERS": s.others.url}
}

// do makes a command of a method.
func do(method func(*scenario, *testscript.TestScript, bool, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		method(ts.Value(scenarioKey{}).(*scenario), ts, neg, args)
	}
}

// read is a file of the scenario with its variables replaced.
func (s *scenario) read(ts *testscript.TestScript, file string) string {
	text, err := os.ReadFile(ts.MkAbs(file))
	ts.Check(err)
	v := s.variables()
	return strings.NewReplacer("${APP}", v["APP"], "$APP", v["APP"], "$NS", v["NS"], "$HUB", v["HUB"], "$REPO", v["REPO"], "$CHARTS", v["CHARTS"], "$REGISTRY", v["REGISTRY"], "$OTHERS", v["OTHERS"]).Replace(string(text))
}

// print writes to the standard output what is the same in each run.
func (s *scenario) print(ts *testscript.TestScript, text string) {
	pairs := []string{s.name(""), "", s.hub, "$HUB", s.target, "$NS", s.url, "$REPO", s.published.url, "$CHARTS", s.published.registry, "$REGISTRY", s.others.url, "$OTHERS"}
	for i, commit := range s.commits {
		pairs = append(pairs, commit, fmt.Sprintf("commit%d", i+1), commit[:7], fmt.Sprintf("commit%d", i+1))
	}
	_, err := fmt.Fprint(ts.Stdout(), strings.NewReplacer(pairs...).Replace(text))
	ts.Check(err)
}

// commitNamed turns commit2 into the hash; anything else stays.
func (s *scenario) commitNamed(name string) string {
	for i, commit := range s.commits {
		if name == fmt.Sprintf("commit%d", i+1) {
			return commit
		}
	}
	return name
}

// table is what a person wants to know of an application.
func table(app *v1alpha1.Application) string {
	var b strings.Builder
	line := func(words ...string) {
		fmt.Fprintln(&b, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
	status := app.Status
	line("sync:", string(status.Sync.Status), status.Sync.Revision, strings.Join(status.Sync.Revisions, " "))
	line("health:", string(status.Health.Status))
	if state := status.OperationState; state != nil {
		line("operation:", string(state.Phase)+":", state.Message)
	}
	for _, c := range status.Conditions {
		line("condition:", string(c.Type)+":", c.Message)
	}
	for _, r := range status.Resources {
		health := ""
		if r.Health != nil {
			health = string(r.Health.Status)
		}
		line("resource:", r.Kind, strings.TrimPrefix(r.Namespace+"/"+r.Name, "/"), string(r.Status), health)
	}
	return b.String()
}
