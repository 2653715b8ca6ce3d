package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/hook"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// killVariable makes the test binary a registry with the options in it.
const killVariable = "FAIRLEAD_TEST_REGISTRY"

func TestMain(m *testing.M) {
	if given := os.Getenv(killVariable); given != "" {
		opts := Default()
		var p process
		if err := json.Unmarshal([]byte(given), &p); err != nil {
			panic(err)
		}
		opts.Dir, opts.Listen, opts.RetryInterval = p.Dir, p.Listen, 20*time.Millisecond
		opts.Hooks = []hook.Endpoint{{URL: p.Hook, Secret: "s3cret"}}
		if err := Run(context.Background(), opts); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// process is a registry in a process of its own.
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
			t.Fatalf("the registry doesn't start: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// However often and whenever the registry is killed: pushes go on, images are whole, and the receiver ends up knowing
// every tag as it is.
func TestKilledAtAnyTime(t *testing.T) {
	r := newReceiver(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := process{Dir: t.TempDir(), Listen: listener.Addr().String(), Hook: r.URL}
	listener.Close()
	once := remote.WithRetryBackoff(remote.Backoff{Steps: 1})
	known := map[string]string{}
	const rounds = 8
	for round := range rounds {
		cmd := p.start(t)
		image, digest := randomImage(t)
		refs := map[string]name.Reference{}
		for _, tag := range []string{"latest", fmt.Sprintf("v%d", round)} {
			if refs[tag], err = name.ParseReference(p.Listen+"/shop/app:"+tag, name.Insecure); err != nil {
				t.Fatal(err)
			}
		}
		// The kill comes at another moment of the push in each round.
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(round)*6*time.Millisecond, func() {
			kill(cmd)
			close(killed)
		})
		for _, ref := range refs {
			_ = remote.Write(ref, image, once)
		}
		<-killed
		again := p.start(t)
		for tag, ref := range refs {
			if err := remote.Write(ref, image); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			wholeImage(t, ref)
			for known[tag] != digest {
				e := r.next(t)
				known[e.Target.Tag] = e.Target.Digest
			}
		}
		kill(again)
	}
}

func wholeImage(t *testing.T, ref name.Reference) {
	t.Helper()
	image, err := remote.Image(ref)
	if err == nil {
		err = validate.Image(image)
	}
	if err != nil {
		t.Fatalf("%s isn't whole: %v", ref, err)
	}
}
