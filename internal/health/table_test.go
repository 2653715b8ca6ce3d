package health

import "testing"

func TestTablesAreReadable(t *testing.T) {
	table, err := readTables(kinds)
	if err != nil {
		t.Fatal(err)
	}
	for kind, clauses := range table.exact {
		if last := clauses[len(clauses)-1]; len(last.guards) > 0 || last.code == "" {
			t.Errorf("%s: nothing is said of an object that no clause fits", kind)
		}
	}
}
