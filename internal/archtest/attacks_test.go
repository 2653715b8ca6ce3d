package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTableOfAttacks holds docs/attacks.md against the tests that there are.
func TestTableOfAttacks(t *testing.T) {
	table, err := os.ReadFile(filepath.Join(root, "docs/attacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, match := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllSubmatch(table, -1) {
		named = append(named, string(match[1]))
	}
	existing := map[string]string{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z]+)\(`)
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range declaration.FindAllSubmatch(content, -1) {
			existing[string(match[1])] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		if existing[name] == "" {
			t.Errorf("docs/attacks.md names %s, which isn't there", name)
		}
	}
	for name, path := range existing {
		if strings.HasPrefix(name, "TestAttack") && !slices.Contains(named, name) {
			t.Errorf("docs/attacks.md doesn't name %s of %s", name, path)
		}
	}
}
