package supervise

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be a supervisor that can be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SUPERVISE_IN"); dir != "" {
		units := []Unit{{Name: "sleeper", Argv: []string{"sleep", "600"}}}
		options := Options{LogDir: dir, StatusFile: filepath.Join(dir, "status.json"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		if err := Run(context.Background(), units, options); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestProcessesDieWithAKilledSupervisor(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	supervisor := exec.Command(self)
	supervisor.Env = append(os.Environ(), "SUPERVISE_IN="+dir)
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	pid := (&table{t: t, dir: dir}).unit("sleeper", ready).PID
	if err := supervisor.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = supervisor.Wait() // it says that it was killed
	deadline := time.Now().Add(10 * time.Second)
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlives its supervisor", pid)
		}
		<-time.After(10 * time.Millisecond)
	}
}
