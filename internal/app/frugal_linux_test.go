package app

import "testing"

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
	forgetStartup() // and the program goes on
}
