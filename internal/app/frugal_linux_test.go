package app

import (
	"reflect"
	"strings"
	"testing"
)

func TestOnlyReadOnlyPartsOfTheProgramAreForgotten(t *testing.T) {
	for line, want := range map[string]uintptr{
		"00400000-00500000 r-xp 00000000 fe:00 1234 /bin/fairlead":   0x100000,
		"00500000-00700000 r--p 00100000 fe:00 1234 /bin/fairlead":   0x200000,
		"00700000-00800000 rw-p 00300000 fe:00 1234 /bin/fairlead":   0, // variables
		"00500000-00700000 r--p 00100000 fe:00 99 /lib/libc.so.6":    0,
		"c000000000-c000400000 rw-p 00000000 00:00 0 ":               0,
		"00500000-00700000 r--p 00100000 fe:00 1 /bin/fairlead (d)x": 0x200000,
		"nonsense": 0,
	} {
		if _, length, ok := readOnlyPart(line, "/bin/fairlead"); length != want || ok != (want > 0) {
			t.Errorf("%q: %#x, %v; want %#x", line, length, ok, want)
		}
	}
}

func TestChangedPartsOfTheProgramAreKept(t *testing.T) {
	const smaps = `00400000-00500000 r-xp 00000000 fe:00 1234 /bin/fairlead
Size:               1024 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00500000-00700000 r--p 00100000 fe:00 1234 /bin/fairlead
Anonymous:             8 kB
00700000-00800000 rw-p 00300000 fe:00 1234 /bin/fairlead
Anonymous:             0 kB
00800000-00900000 r--p 00000000 fe:00 99 /lib/libc.so.6
Anonymous:             0 kB
`
	want := []part{{0x400000, 0x100000}}
	if got := unchangedParts(strings.NewReader(smaps), "/bin/fairlead"); !reflect.DeepEqual(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	forgetProgram() // and the program goes on, also one that was linked dynamically, as with -race
}
