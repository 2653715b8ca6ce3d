// Command actions runs the cases that Argo CD ships with its resource actions through ours, and tells where we do
// otherwise: which actions an object has, and what an action makes of it.
//
// The actions that an object has must be all that are expected, and nothing else. Of a changed object, what holds the time
// may differ, and it may say more than the expected one, as in upstream's own test: some of upstream's examples aren't of
// the same object. Those are counted apart. Start with main.
package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/conformance/upstream"
	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/protocol"
)

// suite is upstream's action_test.yaml. Paths are relative to it.
type suite struct {
	DiscoveryTests []struct {
		InputPath string                    `json:"inputPath"`
		Result    []protocol.ResourceAction `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []actionTest `json:"actionTests"`
}

type actionTest struct {
	Action               string            `json:"action"`
	InputPath            string            `json:"inputPath"`
	ExpectedOutputPath   string            `json:"expectedOutputPath"`
	ExpectedErrorMessage string            `json:"expectedErrorMessage"`
	Parameters           map[string]string `json:"parameters"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance-actions:", err)
		os.Exit(1)
	}
}

func run() error {
	archive, err := upstream.Open("resource_customizations")
	if err != nil {
		return err
	}
	defer archive.Close()
	r := &runner{archive: archive}
	for _, name := range archive.Names("/actions/action_test.yaml") {
		if err := r.suite(name); err != nil {
			return err
		}
	}
	// Upstream has no case for some of its actions; a person can nevertheless run them.
	for _, name := range archive.Names(".lua") {
		if dir := path.Dir(name); path.Base(path.Dir(dir)) == "actions" {
			r.known(path.Dir(path.Dir(dir)), path.Base(dir))
		}
	}
	if r.passed+r.failed == 0 {
		return fmt.Errorf("there are no cases: upstream has moved them")
	}
	fmt.Printf("of the passed, %d say more than upstream's example (VERBOSE=1 lists them)\n", r.more)
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, 0) // every case has all that it needs
	if r.failed > 0 {
		return fmt.Errorf("%d cases differ from upstream", r.failed)
	}
	return nil
}

type runner struct {
	archive              *upstream.Archive
	passed, failed, more int
}

func (r *runner) verdict(name string, differences []string) {
	if len(differences) == 0 {
		r.passed++
		return
	}
	r.failed++
	fmt.Printf("FAIL %s:\n  %s\n", name, strings.Join(differences, "\n  "))
}

func (r *runner) suite(name string) error {
	var s suite
	if err := r.yaml(name, &s); err != nil {
		return err
	}
	dir := path.Dir(name)
	for _, test := range s.DiscoveryTests {
		object := &unstructured.Unstructured{}
		if err := r.yaml(path.Join(dir, test.InputPath), &object.Object); err != nil {
			return err
		}
		found, err := (*action.Catalog)(nil).Discover(object)
		if err != nil {
			return err
		}
		r.verdict(path.Dir(dir)+" discovery "+test.InputPath, offered(test.Result, found))
	}
	for _, test := range s.ActionTests {
		if err := r.action(dir, test); err != nil {
			return err
		}
	}
	return nil
}

// offered tells where actions differ from those expected.
func offered(want []protocol.ResourceAction, found []*protocol.ResourceAction) []string {
	line := func(a protocol.ResourceAction) string { return fmt.Sprintf("%+v", a) }
	var differences, lines []string
	for _, a := range found {
		lines = append(lines, line(*a))
	}
	for _, a := range want {
		if i := slices.Index(lines, line(a)); i >= 0 {
			lines = slices.Delete(lines, i, i+1)
		} else {
			differences = append(differences, "missing: "+line(a))
		}
	}
	for _, l := range lines {
		differences = append(differences, "not expected: "+l)
	}
	return differences
}

var now = time.Date(2026, 11, 23, 4, 5, 6, 0, time.UTC)

func (r *runner) action(dir string, test actionTest) error {
	name := fmt.Sprintf("%s %s %s %v", path.Dir(dir), test.Action, test.InputPath, test.Parameters)
	source := &unstructured.Unstructured{}
	if err := r.yaml(path.Join(dir, test.InputPath), &source.Object); err != nil {
		return err
	}
	changes, err := (*action.Catalog)(nil).Run(source, test.Action, test.Parameters, now)
	if test.ExpectedErrorMessage != "" {
		if err == nil || err.Error() != test.ExpectedErrorMessage {
			r.verdict(name, []string{fmt.Sprintf("error is %v, want %s", err, test.ExpectedErrorMessage)})
		} else {
			r.verdict(name, nil)
		}
		return nil
	}
	if err != nil {
		r.verdict(name, []string{err.Error()})
		return nil
	}
	want, err := r.expected(path.Join(dir, test.ExpectedOutputPath))
	if err != nil {
		return err
	}
	if len(changes) != len(want) {
		r.verdict(name, []string{fmt.Sprintf("%d objects, want %d", len(changes), len(want))})
		return nil
	}
	var differences, more []string
	for i, c := range changes {
		differences = append(differences, compare("", want[i], c.Object.Object, true)...)
		more = append(more, compare("", want[i], c.Object.Object, false)...)
	}
	r.verdict(name, differences)
	if len(differences) == 0 && len(more) > 0 {
		if r.more++; os.Getenv("VERBOSE") != "" {
			fmt.Printf("MORE %s:\n  %s\n", name, strings.Join(more, "\n  "))
		}
	}
	return nil
}

// expected are the objects of a file: one as it is, or a list of them with their operations.
func (r *runner) expected(name string) ([]map[string]any, error) {
	var file any
	if err := r.yaml(name, &file); err != nil {
		return nil, err
	}
	if object, ok := file.(map[string]any); ok {
		if object["kind"] == "Deployment" {
			// Upstream's were taken from a cluster, after its controllers had done their part.
			delete(object, "status")
			unstructured.RemoveNestedField(object, "metadata", "generation")
			unstructured.RemoveNestedField(object, "metadata", "creationTimestamp")
		}
		return []map[string]any{object}, nil
	}
	var objects []map[string]any
	items, _ := file.([]any)
	for _, item := range items {
		entry, _ := item.(map[string]any)
		object, _ := entry["unstructuredObj"].(map[string]any)
		objects = append(objects, object)
	}
	return objects, nil
}

// known tells whether a kind has an action at all.
func (r *runner) known(kind, name string) {
	group, k, _ := strings.Cut(kind, "/")
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": k, "metadata": map[string]any{"name": "x"}}}
	var differences []string
	if _, err := (*action.Catalog)(nil).Run(object, name, nil, now); err != nil && strings.Contains(err.Error(), "isn't known") {
		differences = []string{err.Error()}
	}
	r.verdict(kind+" has "+name, differences)
}

func (r *runner) yaml(name string, into any) error {
	data, err := r.archive.Read(name)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}
