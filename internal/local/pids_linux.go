package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidsInside maps the process numbers inside a PID namespace to the machine's. Init is the namespace's first process.
func pidsInside(init int) map[int]int {
	pids := map[int]int{}
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", init))
	if err != nil {
		return pids
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return pids
	}
	for _, process := range processes {
		if ns, err := os.Readlink(process + "/ns/pid"); err != nil || ns != namespace {
			continue
		}
		status, err := os.ReadFile(process + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			// NSpid: the number in each namespace, from the outermost to the innermost (proc(5)).
			if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
				fields := strings.Fields(numbers)
				inner, err1 := strconv.Atoi(fields[len(fields)-1])
				outer, err2 := strconv.Atoi(filepath.Base(process))
				if err1 == nil && err2 == nil {
					pids[inner] = outer
				}
			}
		}
	}
	return pids
}
