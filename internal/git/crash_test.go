package git

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain also is the process that TestKilledProcess kills: it fetches and commits until then; and the program that connects
// ssh through a proxy.
func TestMain(m *testing.M) {
	if proxy := os.Getenv(TunnelVariable); proxy != "" {
		if err := Tunnel(context.Background(), proxy, net.JoinHostPort(os.Args[len(os.Args)-2], os.Args[len(os.Args)-1]), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, url := os.Getenv("FAIRLEAD_TEST_STORE"), os.Getenv("FAIRLEAD_TEST_ORIGIN")
	if dir == "" {
		os.Exit(m.Run())
	}
	options := Default()
	options.Dir = dir
	store, err := NewStore(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	repository := store.Repository(Remote{URL: url})
	for n := 0; ; n++ {
		content := fmt.Sprintf("%d %d", os.Getpid(), n)
		if _, err := repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: content, Edit: set("f", content)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// TestKilledProcess kills a process at different moments of fetching, committing and pushing. The next one takes the same
// folder, and goes on as if nothing had been.
func TestKilledProcess(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	dir := t.TempDir()
	for moment := range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		cmd.Env = append(cmd.Environ(), "FAIRLEAD_TEST_STORE="+dir, "FAIRLEAD_TEST_ORIGIN="+o.url())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(80+moment*30)*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		// It may warn of a mirror that was killed while it was made; it must not fail because of it.
		if cmd.ProcessState.Exited() {
			t.Fatalf("the process ended by itself: %v: %s", err, stderr.String())
		}
	}
	options := Default()
	options.Dir = dir
	store, err := NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	repository := store.Repository(Remote{URL: o.url()})
	commit, err := repository.Commit(context.Background(), Change{Branch: "main", Author: ann, Message: "m", Edit: set("f", "after")})
	if err != nil {
		t.Fatal(err)
	}
	o.run(o.bare, "fsck", "--strict")
	o.run(repository.dir, "fsck", "--connectivity-only")
	if tip := o.run(o.bare, "rev-parse", "main"); tip != commit {
		t.Errorf("the tip is %s, want %s", tip, commit)
	}
	t.Logf("%s commits by twelve processes", o.run(o.bare, "rev-list", "--count", "main"))
}
