package local

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"fairlead.dev/fairlead/internal/local/network"
)

// State is what was chosen once for a fleet and stays.
type State struct {
	// ID tells fleets on one machine apart; names of links and control groups contain it.
	ID     string       `json:"id"`
	Subnet netip.Prefix `json:"subnet"`
	// Nodes says whether members have real nodes; they need root on Linux.
	Nodes   bool     `json:"nodes"`
	Members []Member `json:"members"`
	Ports   Ports    `json:"ports"`
	// GitPassword is that of the user fairlead on the Git host. HookSecret signs what Git host and registry tell the hub.
	GitPassword string `json:"gitPassword"`
	HookSecret  string `json:"hookSecret"`
}

// Member is one member cluster.
type Member struct {
	Name string `json:"name"`
	// Port is the API server's.
	Port int `json:"port"`
}

// Ports of the hub's side.
type Ports struct {
	Hub          int `json:"hub"`
	Git          int `json:"git"`
	Registry     int `json:"registry"`
	HubAPIServer int `json:"hubAPIServer"`
}

// DefaultMembers are those of a new fleet.
func DefaultMembers() []string { return []string{"dev", "staging", "production"} }

// ErrNoFleet means that the folder holds no fleet.
var ErrNoFleet = errors.New("there is no fleet here; start one with `fairlead local up`")

func statePath(dir string) string { return filepath.Join(dir, "fleet.json") }

// loadState reads the folder's state; ErrNoFleet if there is none.
func loadState(dir string) (State, error) {
	var s State
	data, err := os.ReadFile(statePath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("%s: %w", dir, ErrNoFleet)
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading the fleet's state: %w", err)
	}
	return s, nil
}

// settle loads the state or makes a new one, applies the options and records the outcome in the folder, which exists.
func settle(o Options, nodes bool) (State, error) {
	s, err := loadState(o.Dir)
	switch {
	case errors.Is(err, ErrNoFleet):
		s, err = newState(o, nodes)
	case err == nil:
		err = s.adopt(o, nodes)
	}
	if err != nil {
		return s, err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, fmt.Errorf("recording the fleet's state: %w", err)
	}
	tmp := statePath(o.Dir) + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return s, fmt.Errorf("recording the fleet's state: %w", err)
	}
	return s, os.Rename(tmp, statePath(o.Dir))
}

func newState(o Options, nodes bool) (State, error) {
	sum := sha256.Sum256([]byte(o.Dir))
	s := State{ID: hex.EncodeToString(sum[:3]), Nodes: nodes, GitPassword: rand.Text(), HookSecret: rand.Text()}
	candidates := network.Candidates()
	if o.Subnet.IsValid() {
		candidates = []netip.Prefix{o.Subnet}
	}
	var used []netip.Prefix
	var err error
	if nodes {
		if used, err = network.InUse(); err != nil {
			return s, err
		}
	}
	if s.Subnet, err = network.FirstFree(candidates, used); err != nil {
		return s, fmt.Errorf("choosing the fleet's address range (set one with --subnet): %w", err)
	}
	names := o.Members
	if len(names) == 0 {
		names = DefaultMembers()
	}
	for _, name := range names {
		s.Members = append(s.Members, Member{Name: name})
	}
	return s, s.choosePorts(o)
}

// choosePorts picks free ports from well-known ones upwards, so that they are the same on most machines.
func (s *State) choosePorts(o Options) error {
	c := chooser{next: firstPort}
	s.Ports.Hub, s.Ports.Git, s.Ports.Registry = o.HubPort, o.GitPort, o.RegistryPort
	for _, port := range []*int{&s.Ports.Hub, &s.Ports.Git, &s.Ports.Registry, &s.Ports.HubAPIServer} {
		c.choose(port)
	}
	for i := range s.Members {
		c.choose(&s.Members[i].Port)
	}
	return c.err
}

// adopt applies options to a fleet that exists already.
func (s *State) adopt(o Options, nodes bool) error {
	names := make([]string, 0, len(s.Members))
	for _, m := range s.Members {
		names = append(names, m.Name)
	}
	switch {
	case len(o.Members) > 0 && !slices.Equal(o.Members, names):
		return fmt.Errorf("the fleet in %s has the members %v, not %v; `fairlead local reset` makes room for another", o.Dir, names, o.Members)
	case o.Subnet.IsValid() && o.Subnet != s.Subnet:
		return fmt.Errorf("the fleet in %s has the subnet %s, not %s; `fairlead local reset` makes room for another", o.Dir, s.Subnet, o.Subnet)
	case s.Nodes && !nodes:
		return fmt.Errorf("the fleet in %s has real nodes, which need root on Linux; use another folder with --dir", o.Dir)
	}
	for port, wanted := range map[*int]int{&s.Ports.Hub: o.HubPort, &s.Ports.Git: o.GitPort, &s.Ports.Registry: o.RegistryPort} {
		if wanted != 0 {
			*port = wanted
		}
	}
	return nil
}
