package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// ask asks a question and returns the answer in lower case; "" when the input ends.
func (r *root) ask(question string) string {
	if r.input == nil {
		r.input = bufio.NewReader(r.streams.In)
	}
	fmt.Fprint(r.streams.Out, question)
	line, err := r.input.ReadString('\n')
	if err != nil && line == "" {
		return ""
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "" {
		return answer
	}
	return " "
}

// proceed asks until the answer is yes or no; the end of the input is a no.
func (r *root) proceed(question string) bool {
	for {
		switch r.ask(question) {
		case "y", "yes":
			return true
		case "n", "no", "":
			return false
		}
	}
}

// confirm asks like proceed, where the user has prompts enabled; else it is a yes.
func (r *root) confirm(question string) bool { return !r.prompts || r.proceed(question) }

// confirmations asks about one of several things after the other, until the answer is a for all.
type confirmations struct {
	r       *root
	enabled bool
	many    bool
	all     bool
}

// next asks about one more; many is the question when there are several.
func (c *confirmations) next(one, many string) bool {
	if !c.enabled || c.all {
		return true
	}
	if !c.many {
		return c.r.proceed(one)
	}
	for {
		switch c.r.ask(many) {
		case "a", "all":
			c.all = true
			return true
		case "y", "yes":
			return true
		case "n", "no", "":
			return false
		}
	}
}

// typed is the given text, or what the user types on a terminal; ok is false when there is neither. Secrets aren't shown.
func (r *root) typed(given, question string, secret bool) (text string, ok bool, err error) {
	if given != "" {
		return given, true, nil
	}
	file, isFile := r.streams.In.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return "", false, nil
	}
	if !secret {
		fmt.Fprint(r.streams.Out, question)
		line, err := bufio.NewReader(file).ReadString('\n')
		return strings.TrimSpace(line), true, err
	}
	fmt.Fprint(r.streams.Err, question)
	typed, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(r.streams.Err)
	if err != nil {
		return "", false, fmt.Errorf("reading the password: %w", err)
	}
	return string(typed), true, nil
}
