//go:build integration

package application

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// The commands with which a scenario acts: hub, Git and manifests.

func (s *scenario) cmdStart(ts *testscript.TestScript, _ bool, args []string) {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		ts.Check(setOption(&s.options, name, value))
	}
	s.start()
}

// setOption sets a field by its name.
func setOption(options *Options, name, value string) error {
	field := reflect.ValueOf(options).Elem().FieldByName(name)
	if !field.IsValid() {
		return fmt.Errorf("there is no option %q", name)
	}
	switch {
	case field.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(value)
		field.SetInt(int64(d))
		return err
	case field.CanInt():
		n, err := strconv.ParseInt(value, 10, 64)
		field.SetInt(n)
		return err
	case field.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(value)
		field.SetBool(b)
		return err
	case field.Kind() == reflect.String:
		field.SetString(value)
		return nil
	}
	return fmt.Errorf("option %q is a %s, which a scenario can't set", name, field.Type())
}

func (s *scenario) cmdHalt(*testscript.TestScript, bool, []string) { s.stop() }

func (s *scenario) cmdRestart(ts *testscript.TestScript, neg bool, args []string) {
	s.stop()
	s.cmdStart(ts, neg, args)
}

func (s *scenario) cmdClock(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: clock TIME")
	}
	to, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	s.clock.set(to)
}

func (s *scenario) cmdCommit(ts *testscript.TestScript, _ bool, args []string) {
	message, quiet, dir := "change", false, ""
	for len(args) > 0 {
		switch flag := args[0]; {
		case flag == "-quiet":
			quiet = true
		case flag == "-replace":
			s.git(s.work, "rm", "--quiet", "-r", "--ignore-unmatch", ".")
		case flag == "-rm" && len(args) > 1:
			s.git(s.work, "rm", "--quiet", "-r", args[1])
			args = args[1:]
		case flag == "-m" && len(args) > 1:
			message = args[1]
			args = args[1:]
		case strings.HasPrefix(flag, "-") || dir != "":
			ts.Fatalf("usage: commit [-quiet] [-replace] [-rm PATH]... [-m MSG] [DIR]")
		default:
			dir = flag
		}
		args = args[1:]
	}
	if dir != "" {
		ts.Check(s.copy(ts, ts.MkAbs(dir)))
	}
	s.git(s.work, "add", "-A")
	s.git(s.work, "commit", "--quiet", "--allow-empty", "-m", message)
	s.git(s.work, "push", "--quiet", "origin", "HEAD")
	s.commits = append(s.commits, s.git(s.work, "rev-parse", "HEAD"))
	if !quiet {
		s.cmdNotify(ts, false, nil)
	}
}

// copy puts the files under dir into the clone.
func (s *scenario) copy(ts *testscript.TestScript, dir string) error {
	return s.copyTo(ts, s.work, dir)
}

func (s *scenario) copyTo(ts *testscript.TestScript, work, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(s.read(ts, path)), 0o644)
	})
}

func (s *scenario) cmdGit(ts *testscript.TestScript, _ bool, args []string) {
	s.print(ts, s.git(s.work, args...)+"\n")
}

func (s *scenario) cmdNotify(*testscript.TestScript, bool, []string) {
	branch := s.git(s.work, "symbolic-ref", "HEAD")
	s.bus.PublishPush(event.Push{Repository: event.NormalizeURL(s.url), Ref: branch})
}

func (s *scenario) cmdApply(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: apply FILE")
	}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(s.read(ts, args[0])), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(u); err != nil {
			break
		}
		s.complete(u)
		err := s.client.Apply(s.t.Context(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("person"), client.ForceOwnership)
		failed(ts, neg, err)
	}
}

// complete adds to a manifest what every scenario would have to repeat.
func (s *scenario) complete(u *unstructured.Unstructured) {
	ours := u.GetKind() == "Application" || u.GetKind() == "AppProject"
	if ours && u.GetAPIVersion() == "" {
		u.SetAPIVersion("argoproj.io/v1alpha1")
	}
	if u.GetNamespace() == "" {
		if namespaced, err := s.client.IsObjectNamespaced(u); err == nil && namespaced {
			u.SetNamespace(s.target)
			if ours {
				u.SetNamespace(s.hub)
			}
		}
	}
	if u.GetKind() != "Application" {
		return
	}
	if !strings.HasPrefix(u.GetName(), s.name("")) {
		u.SetName(s.name(u.GetName()))
	}
	fill := func(value string, path ...string) {
		if _, exists, _ := unstructured.NestedFieldNoCopy(u.Object, path...); !exists {
			_ = unstructured.SetNestedField(u.Object, value, path...)
		}
	}
	fill("default", "spec", "project")
	fill(s.target, "spec", "destination", "namespace")
	if _, named, _ := unstructured.NestedString(u.Object, "spec", "destination", "name"); !named {
		fill(settings.InClusterServer, "spec", "destination", "server")
	}
	if _, hydrated, _ := unstructured.NestedMap(u.Object, "spec", "sourceHydrator"); hydrated {
		fill(s.url, "spec", "sourceHydrator", "drySource", "repoURL")
		fill("main", "spec", "sourceHydrator", "drySource", "targetRevision")
		fill("main", "spec", "sourceHydrator", "syncSource", "targetBranch")
	} else if _, several, _ := unstructured.NestedSlice(u.Object, "spec", "sources"); !several {
		fill(s.url, "spec", "source", "repoURL")
		fill("main", "spec", "source", "targetRevision")
	}
}

func (s *scenario) cmdPatch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: patch NAME JSON")
	}
	app := s.get(args[0])
	failed(ts, neg, s.client.Patch(s.t.Context(), app, client.RawPatch("application/merge-patch+json", []byte(args[1]))))
}

func (s *scenario) cmdDelete(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: delete NAME")
	}
	failed(ts, neg, s.client.Delete(s.t.Context(), s.get(args[0])))
}

func (s *scenario) cmdKubectl(ts *testscript.TestScript, neg bool, args []string) {
	cmd := testkube.Kubectl(s.t, append([]string{"-n", s.target}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	s.print(ts, out.String())
	_, _ = ts.Stderr().Write(complaints.Bytes())
	if err != nil {
		err = errors.New(complaints.String())
	}
	failed(ts, neg, err)
}

func (s *scenario) cmdEnd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: end JOB Complete|Failed")
	}
	s.end(args[0], args[1])
}

// failed ends the scenario if the outcome isn't what it wants.
func failed(ts *testscript.TestScript, neg bool, err error) {
	switch {
	case neg && err == nil:
		ts.Fatalf("it should have failed")
	case neg:
		_, _ = fmt.Fprintln(ts.Stderr(), err)
	default:
		ts.Check(err)
	}
}
