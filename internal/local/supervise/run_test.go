package supervise

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// table runs units until the test ends and gives their status.
type table struct {
	t      *testing.T
	dir    string
	cancel context.CancelFunc
	ended  chan error
	once   sync.Once
}

func run(t *testing.T, units ...Unit) *table {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &table{t: t, dir: t.TempDir(), cancel: cancel, ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	go func() { s.ended <- Run(ctx, units, Options{LogDir: s.dir, StatusFile: s.file(), Log: log}) }()
	t.Cleanup(s.stop)
	return s
}

func (s *table) file() string { return filepath.Join(s.dir, "status.json") }

func (s *table) stop() {
	s.once.Do(func() {
		s.cancel()
		if err := <-s.ended; err != nil {
			s.t.Errorf("running the table: %v", err)
		}
	})
}

// unit waits until a unit's status is as wanted and returns it.
func (s *table) unit(name string, wanted func(UnitStatus) bool) UnitStatus {
	s.t.Helper()
	var last UnitStatus
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if status, err := ReadStatus(s.file()); err == nil {
			for _, u := range status.Units {
				if last = u; u.Name == name && wanted(u) {
					return u
				}
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	s.t.Fatalf("%s never got as wanted; the last status is %+v", name, last)
	return last
}

func ready(u UnitStatus) bool { return u.State == Ready }

func TestAKilledProcessIsStartedAgain(t *testing.T) {
	s := run(t, Unit{Name: "sleeper", Argv: []string{"sleep", "600"}})
	first := s.unit("sleeper", ready)
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := s.unit("sleeper", func(u UnitStatus) bool { return ready(u) && u.Restarts == 1 })
	if again.PID == first.PID || again.PID == 0 {
		t.Errorf("process %d came after %d", again.PID, first.PID)
	}
	s.stop()
	if err := syscall.Kill(again.PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d outlived the table", again.PID)
	}
}

func TestUnitsStartInOrderAndStopInReverse(t *testing.T) {
	dir := t.TempDir()
	journal := filepath.Join(dir, "journal")
	script := func(name string) []string {
		return []string{"sh", "-c", `trap 'echo stop $0 >> "$1"; exit' TERM; echo start $0 >> "$1"; touch "$1.$0"; while :; do sleep 0.01; done`, name, journal}
	}
	started := func(name string) func(context.Context) error {
		return func(context.Context) error { _, err := os.Stat(journal + "." + name); return err }
	}
	s := run(t,
		Unit{Name: "agent", Argv: script("agent"), After: []string{"server"}, Ready: started("agent")},
		Unit{Name: "server", Argv: script("server"), After: []string{"data"}, Ready: started("server")},
		Unit{Name: "data", Argv: script("data"), Ready: started("data")},
	)
	s.unit("agent", ready)
	s.stop()
	content, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"start data", "start server", "start agent", "stop agent", "stop server", "stop data"}
	if got := strings.Split(strings.TrimSpace(string(content)), "\n"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATaskIsRepeatedUntilItSucceeds(t *testing.T) {
	var mu sync.Mutex
	tries := 0
	s := run(t, Unit{Name: "task", Do: func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 3 {
			return errors.New("the server isn't there yet")
		}
		return nil
	}})
	s.unit("task", func(u UnitStatus) bool { return u.State == Failed && u.Message == "the server isn't there yet" })
	s.unit("task", func(u UnitStatus) bool { return u.State == Done && u.Restarts == 2 && u.Message == "" })
}

func TestTheStatusSaysWhyAUnitIsNotReady(t *testing.T) {
	s := run(t,
		Unit{Name: "slow", Argv: []string{"sleep", "600"}, Ready: func(context.Context) error { return errors.New("warming up") }},
		Unit{Name: "next", Argv: []string{"sleep", "600"}, After: []string{"slow"}},
		Unit{Name: "broken", Argv: []string{"sh", "-c", "echo no such setting; exit 3"}},
		Unit{Name: "absent", Argv: []string{"no-such-program"}},
	)
	s.unit("slow", func(u UnitStatus) bool { return u.State == Starting && u.Message == "warming up" })
	s.unit("next", func(u UnitStatus) bool { return u.State == Waiting })
	broken := s.unit("broken", func(u UnitStatus) bool { return u.State == Failed && u.Message == "exit status 3" })
	if log, err := os.ReadFile(broken.Log); err != nil || !strings.Contains(string(log), "no such setting") {
		t.Errorf("the log says %q, %v", log, err)
	}
	s.unit("absent", func(u UnitStatus) bool { return u.State == Failed && strings.Contains(u.Message, "no-such-program") })
}

func TestAProcessThatIgnoresTheStopIsKilled(t *testing.T) {
	s := run(t, Unit{
		Name: "stubborn", Grace: 50 * time.Millisecond,
		Argv: []string{"sh", "-c", `trap "" TERM; while :; do sleep 0.01; done`},
	})
	pid := s.unit("stubborn", ready).PID
	s.stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d outlived the table", pid)
	}
}

func TestValidate(t *testing.T) {
	process := []string{"true"}
	for name, test := range map[string]struct {
		units []Unit
		want  string
	}{
		"fine":     {[]Unit{{Name: "a", Argv: process}, {Name: "b", Argv: process, After: []string{"a"}}}, ""},
		"no name":  {[]Unit{{Argv: process}}, "no name"},
		"double":   {[]Unit{{Name: "a", Argv: process}, {Name: "a", Argv: process}}, `two units are called "a"`},
		"unknown":  {[]Unit{{Name: "a", Argv: process, After: []string{"b"}}}, `comes after "b"`},
		"circle":   {[]Unit{{Name: "a", Argv: process, After: []string{"b"}}, {Name: "b", Argv: process, After: []string{"a"}}}, "after itself"},
		"nothing":  {[]Unit{{Name: "a"}}, "either Argv or Do"},
		"too much": {[]Unit{{Name: "a", Argv: process, Do: func(context.Context) error { return nil }}}, "either Argv or Do"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(test.units)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestLogFilesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	l, err := OpenLogFile(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 50 {
		if _, err := l.Write([]byte("0123456789\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{path, path + ".1"} {
		if info, err := os.Stat(file); err != nil || info.Size() > 100 || info.Size() == 0 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}
