package network

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// rule is one line of a chain, without the comment by which it is found again.
type rule struct {
	table, chain string
	match        []string
}

// rules let nodes talk to this machine and through it, whatever other firewall there is.
func (b Bridge) rules() []rule {
	return []rule{
		{"filter", "INPUT", []string{"-i", b.Name, "-j", "ACCEPT"}},
		{"filter", "FORWARD", []string{"-i", b.Name, "-j", "ACCEPT"}},
		{"filter", "FORWARD", []string{"-o", b.Name, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"}},
		{"nat", "POSTROUTING", []string{"-s", b.Fleet.String(), "!", "-d", b.Fleet.String(), "-j", "MASQUERADE"}},
	}
}

func (b Bridge) ensureRules() error {
	for _, r := range b.rules() {
		match := append([]string{"-m", "comment", "--comment", b.Name}, r.match...)
		if iptables(append([]string{"-t", r.table, "-C", r.chain}, match...)...) == nil {
			continue
		}
		if err := iptables(append([]string{"-t", r.table, "-I", r.chain}, match...)...); err != nil {
			return err
		}
	}
	return nil
}

func (b Bridge) removeRules() error {
	var errs []error
	for _, r := range b.rules() {
		match := append([]string{"-m", "comment", "--comment", b.Name}, r.match...)
		for iptables(append([]string{"-t", r.table, "-C", r.chain}, match...)...) == nil {
			if err := iptables(append([]string{"-t", r.table, "-D", r.chain}, match...)...); err != nil {
				errs = append(errs, err)
				break
			}
		}
	}
	return errors.Join(errs...)
}

func iptables(args ...string) error {
	out, err := exec.Command("iptables", append([]string{"--wait", "5"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("running iptables %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
