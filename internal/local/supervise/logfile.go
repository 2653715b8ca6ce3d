package supervise

import (
	"fmt"
	"os"
	"sync"
)

// logLimit is the size at which a log file becomes NAME.log.1, replacing the one before: a process has at most twice
// this on disk.
const logLimit = 10 << 20

// LogFile appends to a file of bounded size. It is safe for concurrent use.
type LogFile struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenLogFile opens or creates the file; limit is in bytes, zero means 10 MiB.
func OpenLogFile(path string, limit int64) (*LogFile, error) {
	if limit == 0 {
		limit = logLimit
	}
	l := &LogFile{path: path, limit: limit}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *LogFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("opening log: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends p. A log that can't be rotated grows on; one that can't be written drops p and reports success, because
// an error here would end the process whose output this is.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.limit {
		if os.Rename(l.path, l.path+".1") == nil {
			old := l.file
			if l.open() == nil {
				old.Close()
			}
		}
	}
	n, _ := l.file.Write(p)
	l.size += int64(n)
	return len(p), nil
}

// Close closes the file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
