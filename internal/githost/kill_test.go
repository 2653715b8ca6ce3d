package githost

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"
)

// killVariable makes the test binary a Git host with the options in it.
const killVariable = "FAIRLEAD_TEST_GIT_HOST"

func TestMain(m *testing.M) {
	if given := os.Getenv(killVariable); given != "" {
		opts := Default()
		var p process
		if err := json.Unmarshal([]byte(given), &p); err != nil {
			panic(err)
		}
		opts.Dir, opts.Listen, opts.Users, opts.RetryInterval = p.Dir, p.Listen, basicauth.Users{"dev": "pw"}, 20*time.Millisecond
		opts.Hooks = []hook.Endpoint{{URL: p.Hook, Secret: secret}}
		if err := Run(context.Background(), opts); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// process is a Git host in a process of its own.
type process struct{ Dir, Listen, Hook string }

// start starts it and waits until it serves.
func (p process) start(t *testing.T) *exec.Cmd {
	t.Helper()
	given, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killVariable+"="+string(given))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	for begin := time.Now(); ; {
		resp, err := http.Get("http://" + p.Listen + "/healthz")
		if err == nil {
			resp.Body.Close()
			return cmd
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("the host doesn't start: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// However often and whenever the host is killed: repositories stay sound, pushes go on, and the receiver ends up
// knowing every branch as it is.
func TestKilledAtAnyTime(t *testing.T) {
	r := newReceiver(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := process{Dir: t.TempDir(), Listen: listener.Addr().String(), Hook: r.URL}
	listener.Close()
	work := checkout(t, "http://dev:pw@"+p.Listen+"/shop/app.git")

	known := map[string]string{}
	const rounds = 8
	for round := range rounds {
		cmd := p.start(t)
		id := write(t, work, fmt.Sprint("round ", round), "a.txt", fmt.Sprint(round))
		// A push takes some 40 ms; the kill comes at another moment of it in each round.
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(round)*9*time.Millisecond, func() {
			kill(cmd)
			close(killed)
		})
		branch := fmt.Sprintf("branch%d", round)
		_, _ = try(t, work, "push", "-q", "origin", "main:main", "main:"+branch)
		<-killed
		again := p.start(t)
		git(t, work, "push", "-q", "origin", "main:main", "main:"+branch)
		for known["refs/heads/main"] != id || known["refs/heads/"+branch] != id {
			e := r.next(t)
			before := known[e.Ref]
			if before == "" {
				before = noObject
			}
			if e.Before != before && e.After != known[e.Ref] {
				t.Fatalf("round %d: %s went from %s to %s, but was told as %s", round, e.Ref, e.Before, e.After, before)
			}
			known[e.Ref] = e.After
		}
		kill(again)
	}
	bare := filepath.Join(p.Dir, "repositories", "shop", "app.git")
	git(t, bare, "fsck", "--strict", "--connectivity-only")
}
