package demo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// fleet is where the local fleet is reached, as `fairlead local status -o json` tells it.
type fleet struct {
	Ready     bool `json:"ready"`
	Endpoints struct {
		Hub         string            `json:"hub"`
		Git         string            `json:"git"`
		GitUser     string            `json:"gitUser"`
		GitPassword string            `json:"gitPassword"`
		Registry    string            `json:"registry"`
		Builder     string            `json:"builder"`
		Kubeconfigs map[string]string `json:"kubeconfigs"`
	} `json:"endpoints"`
	Units []unit `json:"units"`
}

// unit is one process of the fleet.
type unit struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	Log  string `json:"log"`
}

// unit finds a process by its name.
func (f fleet) unit(name string) (unit, error) {
	for _, u := range f.Units {
		if u.Name == name {
			return u, nil
		}
	}
	return unit{}, fmt.Errorf("the fleet has no process %q", name)
}

// members are the clusters that applications go to.
var members = []string{"dev", "staging", "production"}

func stepFleet(ctx context.Context, w *world) error {
	w.as = "admin"
	if err := w.fairleadStreamed(ctx, w.local("up")...); err != nil {
		return err
	}
	if err := w.inspect(ctx); err != nil {
		return err
	}
	if w.fleet.Endpoints.Builder == "" {
		return errors.New("this fleet simulates its nodes: the demo needs real ones, which need Linux and root")
	}
	secret, err := w.kubectl(ctx, "hub", "-n", "argocd", "get", "secret", "argocd-initial-admin-secret", "-o", "jsonpath={.data.password}")
	if err != nil {
		return err
	}
	password, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return fmt.Errorf("reading the admin's password: %w", err)
	}
	w.adminPassword = string(password)
	if err := w.login(ctx, "admin", w.adminPassword); err != nil {
		return err
	}
	text, err := w.fairleadOutput(ctx, "cluster", "list")
	if err != nil {
		return err
	}
	w.indent(text)
	for _, member := range members {
		if !strings.Contains(text, member) {
			return fmt.Errorf("cluster %s did not register itself", member)
		}
	}
	return nil
}

// inspect asks the fleet where it is.
func (w *world) inspect(ctx context.Context) error {
	w.fleet = fleet{}
	return w.fairleadJSON(ctx, &w.fleet, w.local("status")...)
}

// local is a `fairlead local` command for this fleet.
func (w *world) local(command string, args ...string) []string {
	all := []string{"local", command}
	if w.options.Fleet != "" {
		all = append(all, "--dir", w.options.Fleet)
	}
	return append(all, args...)
}

// login makes user the one that fairlead runs as.
func (w *world) login(ctx context.Context, user, password string) error {
	w.as = user
	return w.fairleadShown(ctx, "login", w.fleet.Endpoints.Hub, "--username", user, "--password", password)
}
