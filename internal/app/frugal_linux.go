package app

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram lets go of the pages of the program's own file that its start, or a burst of work, has touched: tables of types and
// functions, initialisers, and what the kernel mapped around them. They stay in the page cache; what is used again is
// mapped again without reading. Of a program of this size that is some 40 MB of its resident memory.
func forgetProgram() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	for _, part := range unchangedParts(maps, program) {
		// Advice: where the kernel takes none, nothing is lost.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, part.start, part.length, unix.MADV_DONTNEED)
	}
}

// part is a range of addresses.
type part struct{ start, length uintptr }

// unchangedParts are the read-only parts of a program in proc_pid_smaps(5) of which no page differs from the file. A page
// that does ("Anonymous") was written to before it became read-only, as a dynamic linker does, and its content would be lost.
func unchangedParts(smaps io.Reader, program string) []part {
	var parts []part
	var candidate part
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 3 && fields[0] == "Anonymous:":
			if candidate.length > 0 && fields[1] == "0" {
				parts = append(parts, candidate)
			}
			candidate = part{}
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"):
			candidate.start, candidate.length, _ = readOnlyPart(lines.Text(), program)
		}
	}
	return parts
}

// readOnlyPart reads a line of proc_pid_maps(5): "start-end perms offset device inode path".
func readOnlyPart(line, program string) (start, length uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[5] != program || fields[1] != "r--p" && fields[1] != "r-xp" {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(fields[0], "-")
	first, err1 := strconv.ParseUint(from, 16, 64)
	last, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil || last <= first {
		return 0, 0, false
	}
	return uintptr(first), uintptr(last - first), true
}
