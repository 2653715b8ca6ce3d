package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func expect(ts *testscript.TestScript, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: expect FILE")
	}
	if difference := compare(ts.ReadFile(args[0]), ts.ReadFile("stdout")); difference != "" {
		ts.Fatalf("%s", difference)
	}
}

// compare tells where a text isn't what is wanted; empty is nowhere.
func compare(want, got string) string {
	wanted, lines := words(want), words(got)
	if match(wanted, lines) {
		return ""
	}
	return fmt.Sprintf("it isn't what was expected: line %q doesn't fit in\n%s", firstUnmatched(wanted, lines), strings.Join(lines, "\n"))
}

// words are lines with single blanks, without blank ends.
func words(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

const anyLines = "…"

func match(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == anyLines {
		for skip := 0; skip <= len(got); skip++ {
			if match(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && fits(want[0], got[0]) && match(want[1:], got[1:])
}

// firstUnmatched is the line at which the longest part of what is wanted, from its start, no longer fits.
func firstUnmatched(want, got []string) string {
	for n := range want {
		if !match(append(append([]string{}, want[:n+1]...), anyLines), got) {
			return want[n]
		}
	}
	return "(end)"
}

var placeholder = regexp.MustCompile(`\{\{.*?\}\}\}?`)

func fits(want, got string) bool {
	var pattern strings.Builder
	rest := want
	for rest != "" {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			at = []int{len(rest), len(rest)}
		}
		pattern.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		if at[1] > at[0] {
			pattern.WriteString("(?:" + rest[at[0]+2:at[1]-2] + ")")
		}
		rest = rest[at[1]:]
	}
	compiled, err := regexp.Compile("^" + pattern.String() + "$")
	return err == nil && compiled.MatchString(got)
}
