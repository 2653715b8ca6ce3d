package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errMissing means that the mirror has no such object.
var errMissing = errors.New("no such object")

// reader serves the objects of one mirror from a `git cat-file --batch` that is started when needed and ended when idle.
type reader struct {
	store *Store
	dir   string

	mu   sync.Mutex
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	idle *time.Timer
}

// read returns the type and the content of the object that name (an ID, or an expression such as abc^{commit}) stands for.
func (r *reader) read(name string) (kind string, content []byte, err error) {
	if strings.ContainsAny(name, "\n\x00") {
		return "", nil, errMissing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	reused := r.cmd != nil
	kind, content, err = r.ask(name)
	if err != nil && reused && !isAnswer(err) {
		// The process may have been killed, or the folder replaced, since the last read: that says nothing of the object.
		kind, content, err = r.ask(name)
	}
	return kind, content, err
}

// isAnswer tells a statement about the object from a failure to ask.
func isAnswer(err error) bool { return errors.Is(err, errMissing) || errors.Is(err, ErrTooLarge) }

// ask writes one line and reads "<id> <type> <size>\n<content>\n"; see git-cat-file(1).
func (r *reader) ask(name string) (string, []byte, error) {
	if err := r.start(); err != nil {
		return "", nil, err
	}
	if _, err := io.WriteString(r.in, name+"\n"); err != nil {
		return "", nil, r.failed(err)
	}
	header, err := r.out.ReadString('\n')
	if err != nil {
		return "", nil, r.failed(err)
	}
	fields := strings.Fields(header)
	if len(fields) >= 2 && (fields[len(fields)-1] == "missing" || fields[len(fields)-1] == "ambiguous") {
		return "", nil, errMissing
	}
	if len(fields) != 3 {
		return "", nil, r.failed(fmt.Errorf("unexpected answer %q", header))
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return "", nil, r.failed(err)
	}
	if size > r.store.options.MaxFileBytes {
		// The content is already on its way, and may be gigabytes: a new process is cheaper than reading it.
		r.end()
		return "", nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, size, r.store.options.MaxFileBytes)
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(r.out, content); err != nil {
		return "", nil, r.failed(err)
	}
	r.idle.Reset(r.store.options.IdleReader)
	return fields[1], content[:size:size], nil
}

func (r *reader) start() error {
	if r.cmd != nil {
		return nil
	}
	if r.store.alive.Err() != nil {
		return ErrClosed
	}
	cmd := r.store.command(r.store.alive, r.dir, nil, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting git cat-file: %w", err)
	}
	cmd.Stderr = &bounded{limit: 16 << 10, drop: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting git cat-file: %w", err)
	}
	r.cmd, r.in, r.out = cmd, in, bufio.NewReaderSize(out, 32<<10)
	r.idle = time.AfterFunc(r.store.options.IdleReader, r.stop)
	return nil
}

// failed ends the process and says why it failed, in its own words.
func (r *reader) failed(err error) error {
	stderr := r.end()
	if r.store.alive.Err() != nil {
		return ErrClosed
	}
	return classify(stderr, fmt.Errorf("reading from git cat-file: %w", err))
}

// end kills the process and returns what it wrote to its standard error.
func (r *reader) end() string {
	if r.cmd == nil {
		return ""
	}
	r.idle.Stop()
	r.in.Close()
	killGroup(r.cmd)
	r.cmd.Wait()
	stderr := r.cmd.Stderr.(*bounded).String()
	r.cmd = nil
	return stderr
}

// stop ends the process; the next read starts another.
func (r *reader) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
}
