package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

var (
	quiet    = slog.New(slog.NewTextHandler(io.Discard, nil))
	trusting = &tls.Config{InsecureSkipVerify: true}
)

// commands are those of a scenario besides testscript's own (stdout, stderr, grep, cmp, exec, env, cd …); `!` in front means
// that it must fail.
//
//	argocd ARGS...                 Argo CD's CLI, logged in as admin; ARGS may end with `< FILE`
//	rest [-anonymous | -token T] METHOD PATH [-d JSON | -f FILE] [-q JQ]
//	                               a REST call with the CLI's token; prints the status and the answer, or with -q what jq
//	                               makes of it; a status of 400 and above is a failure
//	kubectl ARGS...                kubectl as a user who may do everything, in the hub's namespace
//	commit DIR                     commit the files under DIR, and nothing else, to $REPO; the commits are $COMMIT1, $COMMIT2 …
//	publish DIR CHART VERSION      pack the folder as that version of a chart, in $CHARTS and $REGISTRY/charts, and at
//	                               $CHARTS_PRIVATE and $REGISTRY_PRIVATE for $GITUSER with $GITPASSWORD only
//	commit -signed DIR             the same, signed with the key of the file signer.asc, whose ID is $SIGNER
//	idp [CLAIM=VALUE...]           start an OpenID provider, $ISSUER, or say who logs on there from now on; VALUE with commas
//	                               is a list
//	browse ARGS...                 Argo CD's CLI, with a browser that follows the URL which it prints to log in
//	code N                         the last program ended with that exit code
//	restart-hub [FLAGS...]         end the hub and start another with these flags; without any it speaks plaintext, as at first
//	await REGEXP COMMAND ARGS...   run one of the commands above until what it prints matches
//	expect FILE                    what the last command printed is what the file says: runs of blanks are one, {{…}} is a
//	                               regular expression, and a line … stands for any lines
//	let NAME REGEXP                the first group of what the last command's output matches is $NAME from then on
//	subst FILE...                  replace $NAMES in files
//
// All scenarios are on one cluster, so that no two may have applications of the same name.
//
// What commands print has the names of what differs from run to run: $SERVER, $NS (the hub's namespace), $TARGET (that for applications),
// $REPO, $REPO_HTTPS, $REPO_CERT, $REPO_SSH, $CHARTS, $REGISTRY, $WORK, $CLUSTER, $COMMIT1 …
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	table := map[string]func(*scenario, []string) (string, string, error){
		"argocd": (*scenario).argocd, "rest": (*scenario).rest, "kubectl": (*scenario).kubectl, "commit": (*scenario).commit,
		"publish": (*scenario).publish, "idp": (*scenario).identityProvider, "browse": (*scenario).browse, "restart-hub": (*scenario).restartHub,
	}
	all := map[string]func(*testscript.TestScript, bool, []string){
		"expect": func(ts *testscript.TestScript, neg bool, args []string) { expect(ts, args) },
		"let":    func(ts *testscript.TestScript, neg bool, args []string) { current(ts).let(ts, args) },
		"code":   func(ts *testscript.TestScript, neg bool, args []string) { current(ts).checkCode(ts, args) },
		"subst":  func(ts *testscript.TestScript, neg bool, args []string) { subst(ts, args) },
	}
	for name, command := range table {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			s := current(ts)
			out, complaints, err := command(s, args)
			s.show(ts, out, complaints)
			switch {
			case neg && err == nil:
				ts.Fatalf("it should have failed")
			case !neg:
				ts.Check(err)
			}
		}
	}
	all["await"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 || table[args[1]] == nil {
			ts.Fatalf("usage: await REGEXP COMMAND ARGS...")
		}
		s := current(ts)
		out, err := s.await(args[0], func() (string, string, error) { return table[args[1]](s, args[2:]) })
		s.show(ts, out, "")
		ts.Check(err)
	}
	return all
}

func current(ts *testscript.TestScript) *scenario {
	s := ts.Value(scenarioKey{}).(*scenario)
	s.script = ts
	return s
}

func (s *scenario) show(ts *testscript.TestScript, out, complaints string) {
	_, err := io.WriteString(ts.Stdout(), s.named(out))
	ts.Check(err)
	_, err = io.WriteString(ts.Stderr(), s.named(complaints))
	ts.Check(err)
}

func (s *scenario) argocd(args []string) (string, string, error) {
	var input []byte
	if n := len(args) - 2; n >= 0 && args[n] == "<" {
		var err error
		if input, err = os.ReadFile(filepath.Join(s.dir, args[n+1])); err != nil {
			return "", "", err
		}
		args = args[:n]
	}
	return s.program(s.tools.argocd, append(args, s.mode.flags...), input)
}

func (s *scenario) kubectl(args []string) (string, string, error) {
	args = append([]string{"kubectl", "--kubeconfig", s.cluster.AdminKubeconfig(), "--namespace", s.namespace}, args...)
	return s.program(s.tools.kubeSandbox, args, nil)
}

func (s *scenario) commit(args []string) (string, string, error) {
	signed := len(args) == 2 && args[0] == "-signed"
	if signed {
		args = args[1:]
	}
	if len(args) != 1 {
		return "", "", fmt.Errorf("usage: commit [-signed] DIR")
	}
	if _, err := s.git("-C", s.clone, "rm", "--quiet", "-r", "--ignore-unmatch", "."); err != nil {
		return "", "", err
	}
	if err := s.copyTo(s.clone, filepath.Join(s.dir, args[0])); err != nil {
		return "", "", err
	}
	s.commits++
	for _, words := range [][]string{{"add", "-A"}, {"commit", "--quiet", "-m", fmt.Sprintf("commit %d", s.commits)}} {
		if _, err := s.git(append([]string{"-C", s.clone}, words...)...); err != nil {
			return "", "", err
		}
	}
	if signed {
		if err := s.signHead(); err != nil {
			return "", "", err
		}
	}
	if _, err := s.git("-C", s.clone, "push", "--quiet", "origin", "HEAD"); err != nil {
		return "", "", err
	}
	hash, err := s.git("-C", s.clone, "rev-parse", "HEAD")
	if err != nil {
		return "", "", err
	}
	name := fmt.Sprintf("COMMIT%d", s.commits)
	s.define(name, hash)
	s.vars = append(s.vars, variable{name, hash[:7]})
	return "", "", nil
}

// copyTo copies files, with the $NAMES in them replaced.
func (s *scenario) copyTo(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), []byte(s.filled(string(content))), 0o644)
	})
}

// filled is a text with values for names.
func (s *scenario) filled(text string) string {
	return variableName.ReplaceAllStringFunc(text, func(name string) string {
		if value := s.value(name[1:]); value != "" {
			return value
		}
		return name
	})
}

var variableName = regexp.MustCompile(`\$[A-Z][A-Z0-9_]*`)

func subst(ts *testscript.TestScript, files []string) {
	for _, file := range files {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(current(ts).filled(ts.ReadFile(file))), 0o644))
	}
}

func (s *scenario) publish(args []string) (string, string, error) {
	if len(args) != 3 {
		return "", "", fmt.Errorf("usage: publish DIR CHART VERSION")
	}
	return "", "", s.charts.publish(filepath.Join(s.dir, args[0]), args[1], args[2])
}

func (s *scenario) restartHub(flags []string) (string, string, error) {
	s.stopHub()
	if len(flags) == 0 {
		flags = []string{"--insecure"}
	}
	return "", "", s.startHub(flags...)
}

func (s *scenario) await(pattern string, command func() (string, string, error)) (string, error) {
	wanted, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return "", err
	}
	limit := time.After(time.Minute)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		out, complaints, err := command()
		if wanted.MatchString(s.named(out)) {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return out, s.ctx.Err()
		case <-limit:
			return out, fmt.Errorf("it never matched; the last try: %v\n%s", err, s.named(complaints))
		}
	}
}

func (s *scenario) checkCode(ts *testscript.TestScript, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: code N")
	}
	if got := fmt.Sprint(s.exitCode); got != args[0] {
		ts.Fatalf("the exit code was %s", got)
	}
}

func (s *scenario) let(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: let NAME REGEXP")
	}
	groups := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(groups) < 2 || groups[1] == "" {
		ts.Fatalf("%s doesn't match", args[1])
	}
	s.define(args[0], groups[1])
}

// restCall is what `rest` is told.
type restCall struct {
	method, path, query, token string
	body                       []byte
}

func (s *scenario) restCall(args []string) (restCall, error) {
	c := restCall{token: s.token()}
	for ; len(args) > 0; args = args[1:] {
		word := args[0]
		switch {
		case word == "-anonymous":
			c.token = ""
		case strings.HasPrefix(word, "-") && len(args) > 1:
			args = args[1:]
			switch word {
			case "-token":
				c.token = args[0]
			case "-d":
				c.body = []byte(args[0])
			case "-f":
				content, err := os.ReadFile(filepath.Join(s.dir, args[0]))
				if err != nil {
					return c, err
				}
				c.body = []byte(s.filled(string(content)))
			case "-q":
				c.query = args[0]
			default:
				return c, fmt.Errorf("rest has no flag %s", word)
			}
		case c.method == "":
			c.method = word
		default:
			c.path = word
		}
	}
	return c, nil
}

// token is the CLI's, as it keeps it.
func (s *scenario) token() string {
	var config struct {
		Users []struct {
			Name      string `json:"name"`
			AuthToken string `json:"auth-token"`
		} `json:"users"`
	}
	content, err := os.ReadFile(filepath.Join(s.dir, ".config", "argocd", "config"))
	if err != nil || yaml.Unmarshal(content, &config) != nil || len(config.Users) == 0 {
		return ""
	}
	return config.Users[0].AuthToken
}

func (s *scenario) rest(args []string) (string, string, error) {
	c, err := s.restCall(args)
	if err != nil {
		return "", "", err
	}
	request, err := http.NewRequestWithContext(s.ctx, c.method, "http://"+s.address+c.path, bytes.NewReader(c.body))
	if err != nil {
		return "", "", err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := scenarioClient.Do(request)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return "", "", err
	}
	text, err := selected(content, c.query)
	if c.query == "" {
		text = answer.Status + "\n" + text
	}
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("the answer is %s: %s", answer.Status, content)
	}
	return text, "", err
}

// selected is what a jq query makes of an answer; without one it is the answer, indented.
func selected(content []byte, query string) (string, error) {
	var value any
	if json.Unmarshal(content, &value) != nil {
		return string(content), nil
	}
	if query == "" {
		query = "."
	}
	parsed, err := gojq.Parse(query)
	if err != nil {
		return "", fmt.Errorf("reading -q: %w", err)
	}
	var b strings.Builder
	for results := parsed.Run(value); ; {
		result, more := results.Next()
		if !more {
			return b.String(), nil
		}
		if err, failed := result.(error); failed {
			return "", fmt.Errorf("running -q: %w", err)
		}
		if text, plain := result.(string); plain {
			b.WriteString(text + "\n")
			continue
		}
		indented, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return "", err
		}
		b.Write(append(indented, '\n'))
	}
}
