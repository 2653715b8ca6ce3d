package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// hub is the process that is measured. The addresses stay when it is started again.
type hub struct {
	program, kubeconfig, dir string
	address, profiles        string
	running                  atomic.Bool
	cmd                      *exec.Cmd
	ended                    chan struct{}
	client                   *http.Client
}

func newHub(w *world) (*hub, error) {
	h := &hub{
		program: w.options.Fairlead, kubeconfig: w.cluster.AdminKubeconfig(), dir: filepath.Join(w.dir, "hub"),
		client: &http.Client{Timeout: time.Minute},
	}
	for _, address := range []*string{&h.address, &h.profiles} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		*address = "127.0.0.1:" + strconv.Itoa(port)
	}
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return nil, fmt.Errorf("preparing the hub: %w", err)
	}
	return h, nil
}

func (h *hub) log() string { return filepath.Join(h.dir, "log") }

// start starts the process and returns at once.
func (h *hub) start() error {
	log, err := os.OpenFile(h.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("starting the hub: %w", err)
	}
	defer log.Close()
	h.cmd = exec.Command(h.program, "hub", "--kubeconfig", h.kubeconfig, "--address", h.address, "--insecure", "--data", filepath.Join(h.dir, "data"),
		"--log-format", "text", "--profile", h.profiles)
	h.cmd.Stdout, h.cmd.Stderr = log, log
	h.cmd.Env = append(os.Environ(), gitEnvironment(h.dir)...)
	if err := h.cmd.Start(); err != nil {
		return fmt.Errorf("starting the hub: %w", err)
	}
	h.ended = make(chan struct{})
	go func() { _ = h.cmd.Wait(); h.running.Store(false); close(h.ended) }()
	h.running.Store(true)
	return nil
}

// stop ends the process as an operator does, and waits.
func (h *hub) stop() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.ended:
	case <-time.After(20 * time.Second):
		_ = h.cmd.Process.Kill()
		<-h.ended
	}
}

// lastWords are the end of the log, for an error.
func (h *hub) lastWords() string {
	text, err := os.ReadFile(h.log())
	if err != nil {
		return ""
	}
	return "\nthe hub's log ends with:\n" + string(text[max(0, len(text)-3000):])
}

// cpu is what the process has used so far.
func (h *hub) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading the hub's CPU time: %w", err)
	}
	// Fields 14 and 15 (proc_pid_stat(5)); the second one, in parentheses, may hold spaces. A tick is 10 ms on Linux.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("reading the hub's CPU time: /proc says something else")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// memory is the kernel's number of that name (VmRSS, RssAnon, VmHWM) in MB.
func (h *hub) memory(name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading the hub's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("reading the hub's memory: there is no %s", name)
}

// resetPeak makes VmHWM begin anew (proc_pid_clear_refs(5)).
func (h *hub) resetPeak() error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", h.cmd.Process.Pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("resetting the hub's peak of memory: %w", err)
	}
	return nil
}

// counts are the hub's own counters.
type counts struct {
	// reads and writes are requests to API servers; opening a watch is a read.
	reads, writes float64
	rendered      float64
	compared      float64
	heap          float64
}

// counts asks the hub's metrics.
func (h *hub) counts(ctx context.Context) (counts, error) {
	var c counts
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.address+"/metrics", nil)
	if err != nil {
		return c, err
	}
	answer, err := h.client.Do(request)
	if err != nil {
		return c, fmt.Errorf("reading the hub's metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return c, fmt.Errorf("reading the hub's metrics: %s", answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		c.take(lines.Text())
	}
	return c, lines.Err()
}

func (c *counts) take(line string) {
	name, labels, value, ok := sample(line)
	if !ok {
		return
	}
	switch name {
	case "rest_client_requests_total":
		if strings.Contains(labels, `method="GET"`) {
			c.reads += value
		} else {
			c.writes += value
		}
	case "fairlead_renderings_total":
		if strings.Contains(labels, `"rendered"`) {
			c.rendered += value
		}
	case "fairlead_applications_compared_total":
		c.compared += value
	case "go_memstats_heap_alloc_bytes":
		c.heap = value / (1 << 20)
	}
}

// sample is one line of Prometheus' text form.
func sample(line string) (name, labels string, value float64, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || line[0] == '#' {
		return "", "", 0, false
	}
	value, err := strconv.ParseFloat(line[i+1:], 64)
	name, labels, _ = strings.Cut(line[:i], "{")
	return name, labels, value, err == nil
}

// untilCounts asks often, but so that asking takes little of the hub's time, until the answer is yes, and returns when that was. A hub that doesn't answer
// yet is asked again.
func (h *hub) untilCounts(ctx context.Context, patience time.Duration, what string, so func(counts) bool) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		began := time.Now()
		c, err := h.counts(ctx)
		if err == nil && so(c) {
			return time.Now(), nil
		}
		select {
		case <-time.After(min(20*time.Millisecond+3*time.Since(began), 200*time.Millisecond)):
		case <-h.ended:
			return time.Time{}, fmt.Errorf("waiting until %s: the hub has ended", what)
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("waiting until %s: %w; at last: %+v", what, errors.Join(ctx.Err(), err), c)
		}
	}
}

// saveProfile keeps a profile of the process. A hub that is about to start is asked again.
func (h *hub) saveProfile(ctx context.Context, profile, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	for began := time.Now(); ; {
		asked := time.Now()
		err := h.fetch(ctx, "http://"+h.profiles+"/debug/pprof/"+profile, path)
		cut := strings.HasPrefix(profile, "profile") && time.Since(asked) < time.Second // the hub was about to be restarted
		if err == nil && !cut || time.Since(began) > 10*time.Minute {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *hub) fetch(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}
