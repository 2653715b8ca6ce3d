package local

import (
	"path/filepath"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// Report is what is known of a fleet.
type Report struct {
	// Running says whether a supervisor keeps the fleet running.
	Running bool `json:"running"`
	// Ready says whether everything does its work.
	Ready     bool      `json:"ready"`
	Dir       string    `json:"dir"`
	Endpoints Endpoints `json:"endpoints"`
	// Supervisor is the process that keeps the others running; zero if there is none.
	Supervisor int `json:"supervisor,omitempty"`
	// Units are the rows of the fleet's table and, after each node, the programs inside it. Process numbers are the
	// machine's.
	Units []supervise.UnitStatus `json:"units"`
}

// Inspect reports on the fleet in the folder.
func Inspect(dir string) (Report, error) {
	f, err := open(dir, Tools{})
	if err != nil {
		return Report{}, err
	}
	r := Report{Dir: dir, Endpoints: f.Endpoints(), Units: []supervise.UnitStatus{}}
	if r.Supervisor, err = running(dir); err != nil || r.Supervisor == 0 {
		return r, err
	}
	r.Running = true
	status, err := supervise.ReadStatus(statusPath(dir))
	if err != nil {
		return r, nil // the supervisor is just starting
	}
	r.Ready = status.AllReady()
	for _, u := range status.Units {
		r.Units = append(r.Units, u)
		for i, m := range f.State.Members {
			if f.State.Nodes && u.Name == m.Name+"-node" && u.PID != 0 {
				r.Units = append(r.Units, insideNode(f.nodeSpec(i).StatusFile(), f.path("logs"), u.PID)...)
			}
		}
	}
	return r, nil
}

// insideNode is the status of the programs of a node whose first process is init.
func insideNode(statusFile, logs string, init int) []supervise.UnitStatus {
	status, err := supervise.ReadStatus(statusFile)
	if err != nil {
		return nil
	}
	pids := pidsInside(init)
	for i := range status.Units {
		u := &status.Units[i]
		u.PID = pids[u.PID]
		if u.Log != "" {
			u.Log = filepath.Join(logs, filepath.Base(u.Log))
		}
	}
	return status.Units
}
