//go:build e2e

package script

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds what a scenario waits for.
const patience = 90 * time.Second

// cmdFairlead runs the command line: fairlead ARGS...
func (f *fleet) cmdFairlead(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, ts.Exec(f.binary, args...))
}

// cmdKubectl runs kubectl on a cluster of the fleet: kubectl CLUSTER ARGS...
func (f *fleet) cmdKubectl(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, ts.Exec(f.binary, append(f.local("kubectl", args[0], "--"), args[1:]...)...))
}

// cmdEventually runs a command until its output or its error output matches, or with ! until it no longer does:
//
//	eventually REGEXP fairlead app get shop
func (f *fleet) cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND ARGS...")
	}
	pattern, err := regexp.Compile("(?s)" + args[0])
	ts.Check(err)
	program, rest := args[1], args[2:]
	switch program {
	case "fairlead":
		program = f.binary
	case "kubectl":
		program, rest = f.binary, append(f.local("kubectl", rest[0], "--"), rest[1:]...)
	}
	deadline := time.Now().Add(patience)
	for {
		_ = ts.Exec(program, rest...) // what counts is what it says; a failing command says it on its error output
		said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if pattern.MatchString(said) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q (wanted: %v) is not what %s says after %s:\n%s", args[0], !neg, strings.Join(args[1:], " "), patience, said)
		}
		time.Sleep(200 * time.Millisecond) // between two questions, not to wait for a state
	}
}

// cmdProtect makes the Git host refuse pushes to a branch: protect OWNER/NAME BRANCH
func (f *fleet) cmdProtect(ts *testscript.TestScript, _ bool, args []string) {
	f.protection(ts, http.MethodPost, args[0]+"/branch_protections", `{"rule_name":"`+args[1]+`"}`)
}

// cmdUnprotect allows them again: unprotect OWNER/NAME BRANCH
func (f *fleet) cmdUnprotect(ts *testscript.TestScript, _ bool, args []string) {
	f.protection(ts, http.MethodDelete, args[0]+"/branch_protections/"+url.PathEscape(args[1]), "")
}

func (f *fleet) protection(ts *testscript.TestScript, method, path, body string) {
	request, err := http.NewRequest(method, f.Endpoints.Git+"/api/v1/repos/"+path, strings.NewReader(body))
	ts.Check(err)
	request.SetBasicAuth(f.Endpoints.GitUser, f.Endpoints.GitPassword)
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		ts.Fatalf("%s %s: %s", method, path, response.Status)
	}
}

// cmdSubst writes the scenario's variables ($NAME, $GIT, $REGISTRY) into files: subst FILE...
func cmdSubst(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args {
		text := ts.ReadFile(file)
		for _, name := range []string{"NAME", "GIT", "REGISTRY"} {
			text = string(bytes.ReplaceAll([]byte(text), []byte("$"+name), []byte(ts.Getenv(name))))
		}
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

func check(ts *testscript.TestScript, neg bool, err error) {
	if (err != nil) != neg {
		if neg {
			ts.Fatalf("the command should have failed")
		}
		ts.Fatalf("%v", err)
	}
}
