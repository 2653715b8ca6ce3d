package buildlog

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
)

// maxLine bounds a line. A longer one is broken, so that a program that prints without line feeds can't fill the memory.
const maxLine = 16 << 10

// reserve is the part of a log that is kept for its end, where the reason of a failure stands.
const reserve = 16 << 10

// writer writes whole lines to a log's file, masked and bounded.
type writer struct {
	mu      sync.Mutex
	file    *os.File
	size    int64
	max     int64
	secrets []string
	changed func()
	closed  func()

	// rest is the line that isn't complete yet.
	rest []byte
	// ring are the newest lines that didn't fit, at most reserve bytes; omitted counts those that were dropped from it.
	ring      [][]byte
	ringBytes int
	omitted   int
}

// Write takes any bytes; lines appear in the log when they are complete. The only errors are the file's.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return 0, os.ErrClosed
	}
	data := append(w.rest, p...)
	var out []byte
	for {
		line, rest, complete := bytes.Cut(data, []byte("\n"))
		if !complete && len(data) <= maxLine {
			break
		}
		if len(line) > maxLine {
			line, rest = data[:maxLine], data[maxLine:]
		}
		out = append(out, w.admit(line)...)
		data = rest
	}
	w.rest = bytes.Clone(data)
	if len(out) == 0 {
		return len(p), nil
	}
	return len(p), w.append(out)
}

// admit masks a line, and keeps it back if the log is full.
func (w *writer) admit(line []byte) []byte {
	text := string(line)
	for _, secret := range w.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	masked := []byte(text + "\n")
	if w.size+int64(len(masked)) <= w.max-reserve && len(w.ring) == 0 {
		w.size += int64(len(masked))
		return masked
	}
	w.ring = append(w.ring, masked)
	w.ringBytes += len(masked)
	for w.ringBytes > reserve && len(w.ring) > 1 {
		w.ringBytes -= len(w.ring[0])
		w.ring = w.ring[1:]
		w.omitted++
	}
	return nil
}

func (w *writer) append(data []byte) error {
	if _, err := w.file.Write(data); err != nil {
		return fmt.Errorf("writing a build log: %w", err)
	}
	w.changed()
	return nil
}

// Close writes what was kept back.
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	defer w.closed()
	var out []byte
	if len(w.rest) > 0 {
		out = w.admit(w.rest)
	}
	if w.omitted > 0 {
		out = fmt.Appendf(out, "… %d lines left out, because the log is too long …\n", w.omitted)
	}
	out = append(out, bytes.Join(w.ring, nil)...)
	err := w.append(out)
	if closeErr := w.file.Close(); err == nil {
		err = closeErr
	}
	w.file = nil
	return err
}
