package output

import (
	"bytes"
	"testing"
)

type ship struct {
	Name string `json:"name"`
	Flag string `json:"flag"`
}

func TestPrint(t *testing.T) {
	ships := []ship{{"Ada", "NO"}, {"Long John", "two\nlines"}}
	columns := []Column[ship]{
		{Title: "NAME", Cell: func(s ship) string { return s.Name }},
		{Title: "FLAG", Cell: func(s ship) string { return s.Flag }, Wide: true},
	}
	for format, want := range map[Format]string{
		Table: "NAME\nAda\nLong John\n",
		Wide:  "NAME       FLAG\nAda        NO\nLong John  two lines\n",
		Name:  "Ada\nLong John\n",
		JSON:  "[\n  {\n    \"name\": \"Ada\",\n    \"flag\": \"NO\"\n  }\n]\n",
		YAML:  "- flag: \"NO\"\n  name: Ada\n",
	} {
		var out bytes.Buffer
		if err := Print(&out, format, ships[:1], ships, columns); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%q:\n%q\nwant\n%q", format, out.String(), want)
		}
	}
}

func TestFieldsLeavesOutWhatIsEmpty(t *testing.T) {
	var out bytes.Buffer
	if err := Fields(&out, [2]string{"Name", "Ada"}, [2]string{"Hold", ""}, [2]string{"Sync Status", "Synced"}); err != nil {
		t.Fatal(err)
	}
	if want := "Name:               Ada\nSync Status:        Synced\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
