package jsonnet

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func evaluate(ctx context.Context, contents map[string]string, options v1alpha1.ApplicationSourceJsonnet) (string, error) {
	files := fstest.MapFS{}
	for name, content := range contents {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	expand := func(text string) string { return strings.ReplaceAll(text, "$ARGOCD_APP_NAME", "guestbook") }
	e, err := New(ctx, files, "app", options, expand)
	if err != nil {
		return "", err
	}
	objects, err := e.Evaluate("app/main.jsonnet")
	var lines []string
	for _, object := range objects {
		lines = append(lines, strings.Join(strings.Fields(string(object)), ""))
	}
	return strings.Join(lines, " "), err
}

func TestEvaluate(t *testing.T) {
	for _, test := range []struct {
		name, main, want string
		options          v1alpha1.ApplicationSourceJsonnet
	}{
		{name: "an object", main: `{a: 1}`, want: `{"a":1}`},
		{name: "an array", main: `[{a: 1}, null, {a: 2}]`, want: `{"a":1} {"a":2}`},
		{name: "nothing", main: `[]`, want: ``},
		{name: "null", main: `null`, want: ``},
		{name: "beside the file", main: `import "beside.libsonnet"`, want: `{"at":"app"}`},
		{name: "a path up", main: `import "../lib/lib.libsonnet"`, want: `{"at":"lib"}`},
		{name: "from a library", main: `import "lib.libsonnet"`, want: `{"at":"lib"}`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"lib"}}},
		{name: "the last library wins", main: `import "lib.libsonnet"`, want: `{"at":"vendor"}`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"lib", "/vendor"}}},
		{name: "beside the file before a library", main: `import "beside.libsonnet"`, want: `{"at":"app"}`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"lib"}}},
		{name: "the application's folder for a library's import", main: `import "indirect.libsonnet"`, want: `{"at":"app"}`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"vendor"}}},
		{name: "text", main: `{t: importstr "x.txt"}`, want: `{"t":"it's([{"}`},
		{name: "variables", main: `{a: std.extVar("a"), b: std.extVar("b")}`, want: `{"a":"guestbook-1","b":[1,2]}`,
			options: v1alpha1.ApplicationSourceJsonnet{ExtVars: []v1alpha1.JsonnetVar{{Name: "a", Value: "$ARGOCD_APP_NAME-1"}, {Name: "b", Value: "[1, 1+1]", Code: true}}}},
		{name: "arguments", main: `function(a, b, c=3) {a: a, b: b, c: c}`, want: `{"a":"1","b":"guestbook","c":3}`,
			options: v1alpha1.ApplicationSourceJsonnet{TLAs: []v1alpha1.JsonnetVar{{Name: "a", Value: "1"}, {Name: "b", Value: "'$ARGOCD_APP_NAME'", Code: true}}}},
		{name: "a manifest from YAML", main: `std.parseYaml("a: 1\n")`, want: `{"a":1}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := evaluate(t.Context(), map[string]string{
				"app/main.jsonnet":          test.main,
				"app/beside.libsonnet":      `{at: "app"}`,
				"app/x.txt":                 `it's ([{`,
				"lib/lib.libsonnet":         `{at: "lib"}`,
				"lib/beside.libsonnet":      `{at: "lib"}`,
				"vendor/lib.libsonnet":      `{at: "vendor"}`,
				"vendor/indirect.libsonnet": `import "beside.libsonnet"`,
			}, test.options)
			if err != nil || got != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestEvaluateRefuses(t *testing.T) {
	for _, test := range []struct {
		name, main, want string
		options          v1alpha1.ApplicationSourceJsonnet
	}{
		{name: "a syntax error", main: "{\n  a: \n}", want: "app/main.jsonnet:3:1"},
		{name: "an error in an expression", main: "{\n  a: error 'oh',\n}", want: "evaluating Jsonnet app/main.jsonnet: RUNTIME ERROR: oh\n\tapp/main.jsonnet:2:"},
		{name: "a missing file", main: "\nimport 'no.libsonnet'", want: `couldn't open import "no.libsonnet": no match beside the file or in app`},
		{name: "a file outside", main: "import '../../etc/passwd'", want: `app/main.jsonnet imports "../../etc/passwd": it leads out of the repository`},
		{name: "an absolute path", main: "import '/etc/passwd'", want: `app/main.jsonnet imports "/etc/passwd": give the path relative`},
		{name: "a string", main: "'x'", want: `app/main.jsonnet: it evaluates to "\"x\"": it must be an object`},
		{name: "a string in an array", main: "[{}, 'x']", want: `app/main.jsonnet: element 1 of what it evaluates to`},
		{name: "a missing variable", main: "{a: std.extVar('b')}", want: "Undefined external variable: b"},
		{name: "a missing argument", main: "function(a) {}", want: "Missing argument: a"},
		{name: "broken code in a variable", main: "{a: std.extVar('b')}", want: "<extvar:b>:1:", options: v1alpha1.ApplicationSourceJsonnet{ExtVars: []v1alpha1.JsonnetVar{{Name: "b", Value: "[", Code: true}}}},
		{name: "endless recursion", main: "local f(n) = 1 + f(n + 1); {a: f(0)}", want: "max stack frames exceeded"},
		{name: "a circle of imports", main: "import 'main.jsonnet'", want: "max stack frames exceeded"},
		{name: "a deep value", main: "std.foldl(function(a, x) {a: a}, std.range(1, 100000), {})", want: "max stack frames exceeded"},
		{name: "deep brackets", main: strings.Repeat("[", 100000), want: "app/main.jsonnet: line 1: expressions are nested, or chained, more than 10000 deep"},
		{name: "deep code in an argument", main: "{}", want: `directory.jsonnet.tlas: code of "x": line 1: expressions are nested`,
			options: v1alpha1.ApplicationSourceJsonnet{TLAs: []v1alpha1.JsonnetVar{{Name: "x", Value: strings.Repeat("-", 100000) + "1", Code: true}}}},
		{name: "a library outside", main: "{}", want: `directory.jsonnet.libs: "../x" leads out of the repository`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"../x"}}},
		{name: "a library that is missing", main: "{}", want: `directory.jsonnet.libs: open x: file does not exist`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"x"}}},
		{name: "a library that is a file", main: "{}", want: `directory.jsonnet.libs: app/main.jsonnet is not a folder`, options: v1alpha1.ApplicationSourceJsonnet{Libs: []string{"app/main.jsonnet"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := evaluate(t.Context(), map[string]string{"app/main.jsonnet": test.main}, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestEndlessEvaluationEnds runs a program that never ends and never goes deep.
func TestEndlessEvaluationEnds(t *testing.T) {
	reason := errors.New("time is up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, reason)
	defer cancel()
	_, err := evaluate(ctx, map[string]string{"app/main.jsonnet": "local f(n) = f(n + 1) tailstrict; {a: f(0)}"}, v1alpha1.ApplicationSourceJsonnet{})
	if !errors.Is(err, reason) {
		t.Errorf("error is %v", err)
	}
}

// TestGreedyEvaluationEnds doubles a list until it is ended.
func TestGreedyEvaluationEnds(t *testing.T) {
	files := fstest.MapFS{"app/main.jsonnet": {Data: []byte("local f(a) = f(a + a) tailstrict; {a: f([1, 2, 3])}")}}
	e, err := New(t.Context(), files, "app", v1alpha1.ApplicationSourceJsonnet{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.bound.growth = 8 << 20
	if _, err := e.Evaluate("app/main.jsonnet"); !errors.Is(err, errMemory) {
		t.Errorf("error is %v", err)
	}
}

// TestNestingSpares shows that what people write isn't taken for a bomb.
func TestNestingSpares(t *testing.T) {
	for name, text := range map[string]string{
		"a long flat list":         "[" + strings.Repeat("{a: 1 + 1, b: 'x'},", 100000) + "]",
		"a long object":            "{" + strings.Repeat("a(b):: self + {c+: if b then 1 else 2},", 3000) + "}",
		"brackets in strings":      `{a: "` + strings.Repeat("[", 20000) + `", b: '` + strings.Repeat("(", 20000) + `', c: @"` + strings.Repeat(`[""`, 20000) + `"}`,
		"brackets in comments":     "#" + strings.Repeat("[", 20000) + "\n//" + strings.Repeat("[", 20000) + "\n/*" + strings.Repeat("[", 20000) + "*/ {}",
		"brackets in a text block": "|||\n" + strings.Repeat("  [ it's\n\n", 20000) + "|||",
	} {
		if err := checkNesting(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNestingCatches nests behind what could hide it.
func TestNestingCatches(t *testing.T) {
	deep := strings.Repeat("[", 20000)
	for name, text := range map[string]string{
		"brackets":                   deep,
		"signs":                      strings.Repeat("!", 20000),
		"a chain of sums":            strings.Repeat("1+", 20000),
		"a chain of locals":          strings.Repeat("local a=1,b=1;", 20000),
		"a chain of assertions":      strings.Repeat("assert true;", 20000),
		"a chain of indexes":         strings.Repeat("a.b", 20000),
		"a chain of calls":           "f" + strings.Repeat("()", 20000),
		"functions":                  strings.Repeat("function(a,b)", 20000),
		"conditions":                 strings.Repeat("if a then b else ", 20000),
		"commas in inner brackets":   strings.Repeat("1+[1,1]+", 20000),
		"behind a string":            `"\\" + ` + deep,
		"behind an escaped quote":    `"\"" + ` + deep,
		"behind a verbatim string":   `@"\" + ` + deep,
		"behind a doubled quote":     `@"""\" + ` + deep,
		"behind a text block":        "|||\n  '\n|||  + " + deep,
		"behind an indented block":   "  |||\n  \t'\n\n  \t\"\n  ||| + " + deep,
		"behind a comment":           "# '\n" + deep,
		"behind a long comment":      "/* ' */" + deep,
		"behind a short comment":     "/*/ ' */" + deep,
		"behind a block with a dash": "|||-\n  '\n|||" + deep,
	} {
		if err := checkNesting(text); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// FuzzEvaluate looks for programs that crash, or that get out.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{
		`{a: 1}`, `[{}]`, `local f(x) = x; {a: f(1)}`, `import "x"`, `importstr "../../x"`, `function(a) a`, "|||\n  x\n|||", `@"x""y"`, `{[k]: 1 for k in ["a"]}`,
		`std.manifestYamlDoc({a: 1})`, `assert true; null`, `error "x"`,
	} {
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, program, value string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := evaluate(ctx, map[string]string{"app/main.jsonnet": program}, v1alpha1.ApplicationSourceJsonnet{
			ExtVars: []v1alpha1.JsonnetVar{{Name: "code", Value: value, Code: true}}, TLAs: []v1alpha1.JsonnetVar{{Name: "text", Value: value}},
		})
		if err != nil && strings.Contains(err.Error(), "CRASH") {
			t.Error(err)
		}
	})
}
