package application

import "testing"

// TestOwnWrites tells what a watch says around writes: heard versions are numbers, "begin" and "end N" (or "fail") our writes.
func TestOwnWrites(t *testing.T) {
	type step struct {
		do, version string
		// echo is what hear answers; heard and others are what end does.
		echo, heard, others bool
	}
	for name, steps := range map[string][]step{
		"the answer comes first":              {{do: "begin"}, {do: "end", version: "5"}, {do: "hear", version: "5", echo: true}, {do: "hear", version: "6"}},
		"the watch comes first":               {{do: "begin"}, {do: "hear", version: "5", echo: true}, {do: "end", version: "5", heard: true}, {do: "hear", version: "6"}},
		"somebody else before ours":           {{do: "begin"}, {do: "hear", version: "4", echo: true}, {do: "end", version: "5", others: true}, {do: "hear", version: "5", echo: true}},
		"somebody else before ours, both":     {{do: "begin"}, {do: "hear", version: "4", echo: true}, {do: "hear", version: "5", echo: true}, {do: "end", version: "5", heard: true, others: true}},
		"somebody else after ours":            {{do: "begin"}, {do: "hear", version: "5", echo: true}, {do: "hear", version: "6", echo: true}, {do: "end", version: "5", heard: true, others: true}},
		"two writes, heard of late":           {{do: "begin"}, {do: "end", version: "5"}, {do: "begin"}, {do: "end", version: "6"}, {do: "hear", version: "5", echo: true}, {do: "hear", version: "6", echo: true}},
		"the first heard of during the other": {{do: "begin"}, {do: "end", version: "5"}, {do: "begin"}, {do: "hear", version: "5", echo: true}, {do: "end", version: "6"}, {do: "hear", version: "6", echo: true}},
		"only the last is told":               {{do: "begin"}, {do: "end", version: "5"}, {do: "begin"}, {do: "end", version: "6"}, {do: "hear", version: "6", echo: true}, {do: "hear", version: "5"}},
		"an answer that is lost":              {{do: "begin"}, {do: "hear", version: "5", echo: true}, {do: "end", others: true}},
		"a write that fails":                  {{do: "begin"}, {do: "end"}, {do: "hear", version: "5"}},
	} {
		var w ownWrites
		for i, s := range steps {
			switch s.do {
			case "begin":
				w.underway = true
			case "hear":
				if echo := w.hear(s.version); echo != s.echo {
					t.Errorf("%s, step %d: %s is an echo: %t", name, i+1, s.version, echo)
				}
			case "end":
				if heard, others := w.end(s.version); heard != s.heard || others != s.others {
					t.Errorf("%s, step %d: heard %t, others %t", name, i+1, heard, others)
				}
			}
		}
	}
}
