package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead.dev/fairlead/conformance/upstream"
	"fairlead.dev/fairlead/internal/cli"
)

// elsewhere are commands of argocd that fairlead doesn't have, or whose flags it doesn't take, and why.
var elsewhere = map[string]string{
	"admin app diff-reconcile-results": "for those who work on Argo CD's controller",
	"admin app get-reconcile-results":  "for those who work on Argo CD's controller",
	"admin cluster shards":             "there are no shards, and no Redis that knows of them",
	"admin cluster stats":              "there is no Redis that knows of them; 'cluster get' and the metrics tell",
	"admin dashboard":                  "there is no console to serve",
	"admin notifications":              "there are no notifications",
	"admin redis-initial-password":     "there is no Redis",
}

// command is one of a command line.
type command struct {
	// flags are its own, with their letters; those of all commands stand at the root.
	flags map[string]string
	// group is one that only has others below it.
	group bool
}

// compareCommandLines tells which commands and flags of argocd, by its own reference, fairlead lacks.
func compareCommandLines() ([]string, error) {
	theirs, err := referenceCommands()
	if err != nil {
		return nil, err
	}
	ours := map[string]command{}
	streams := cli.IOStreams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	root := cli.NewCommand(streams, "conformance", nil)
	root.InitDefaultCompletionCmd()
	collect(root, "", ours)
	var missing []string
	for name, their := range theirs {
		if reason(name) != "" {
			continue
		}
		our, ok := ours[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		if their.group {
			continue // a kubeconfig's flags, which do nothing there
		}
		for flag, letter := range their.flags {
			if got, ok := our.flags[flag]; !ok || letter != "" && got != letter && !hasLetter(our, letter) {
				missing = append(missing, strings.TrimSpace(name+" --"+flag))
			}
		}
	}
	slices.Sort(missing)
	return missing, nil
}

func hasLetter(c command, letter string) bool {
	for _, got := range c.flags {
		if got == letter {
			return true
		}
	}
	return false
}

func reason(name string) string {
	for prefix, why := range elsewhere {
		if name == prefix || strings.HasPrefix(name, prefix+" ") {
			return why
		}
	}
	return ""
}

// collect notes a command and those below it. Hidden ones count: they are accepted.
func collect(cmd *cobra.Command, name string, into map[string]command) {
	c := command{flags: map[string]string{}}
	// Flags of all commands count for each, as they do on a command line.
	for _, set := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.InheritedFlags()} {
		set.VisitAll(func(flag *pflag.Flag) { c.flags[flag.Name] = flag.Shorthand })
	}
	into[name] = c
	for _, sub := range cmd.Commands() {
		collect(sub, strings.TrimSpace(name+" "+sub.Name()), into)
	}
}

var documentedFlag = regexp.MustCompile(`^\s+(?:-(\w), )?\s*--([a-zA-Z0-9-]+)`)

// referenceCommands reads argocd's own reference: a file a command.
func referenceCommands() (map[string]command, error) {
	archive, err := upstream.Open("docs/user-guide/commands")
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	commands := map[string]command{}
	for _, file := range archive.Names(".md") {
		text, err := archive.Read(file)
		if err != nil {
			return nil, err
		}
		base, ok := strings.CutPrefix(strings.TrimSuffix(file, ".md"), "argocd")
		if !ok {
			continue
		}
		name := strings.TrimSpace(strings.ReplaceAll(base, "_", " "))
		commands[name] = parseReference(text)
	}
	for name, c := range commands {
		for other := range commands {
			c.group = c.group || strings.HasPrefix(other, name+" ") && name != ""
		}
		commands[name] = c
	}
	if len(commands) < 100 {
		return nil, fmt.Errorf("reading argocd's reference: it has %d commands", len(commands))
	}
	return commands, nil
}

// parseReference reads the flags of one command, but for those of all.
func parseReference(text []byte) command {
	c := command{flags: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	own := false
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			own = line == "### Options"
		}
		if words := documentedFlag.FindStringSubmatch(line); own && words != nil && words[2] != "help" {
			c.flags[words[2]] = words[1]
		}
	}
	return c
}

// commandLines is the comparison, counted like a scenario.
func (r *results) commandLines() {
	missing, err := compareCommandLines()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.failed = append(r.failed, "fairlead's own command line: "+err.Error())
	case len(missing) > 0:
		r.failed = append(r.failed, fmt.Sprintf("fairlead's own command line lacks %d commands and flags of argocd", len(missing)))
		fmt.Fprintf(os.Stdout, "FAIL fairlead's own command line lacks:\n  %s\n", strings.Join(missing, "\n  "))
	default:
		r.passed++
		fmt.Println("ok   fairlead has argocd's commands and flags")
	}
}
