package lua

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func eval(t *testing.T, source string, object any) (any, error) {
	t.Helper()
	program, err := Compile("test.lua", source)
	if err != nil {
		t.Fatal(err)
	}
	return program.Run(map[string]any{"obj": object}, object)
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	object := map[string]any{
		"list": []any{int64(1), "two", map[string]any{"three": true}}, "empty": map[string]any{}, "none": []any{},
		"deep": map[string]any{"volume": map[string]any{"emptyDir": map[string]any{}}}, "number": 1.5, "large": int64(1) << 40,
	}
	got, err := eval(t, `obj.copy = obj.deep; return obj`, object)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"copy": object["deep"]}
	for key, value := range object {
		want[key] = value
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLibraries(t *testing.T) {
	for source, want := range map[string]any{
		`return "a" .. 1 .. "b" .. (2 .. "")`:                                    "a1b2",
		`return string.format("%d of %s", 3, "four"):upper()`:                    "3 OF FOUR",
		`local os = require("os"); return type(os.time())`:                       "number",
		`return os.date("!%Y-%m-%d", 0)`:                                         "1970-01-01",
		`local t = {}; for k, v in pairs(obj) do t[#t+1] = k .. v end; return t`: []any{"key" + "value"},
		`return math.floor(2.5)`:                                                 int64(2),
		`print("nothing")`:                                                       nil,
	} {
		got, err := eval(t, source, map[string]any{"key": "value"})
		if err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", source, d)
		}
	}
}

func TestScriptsReachNothing(t *testing.T) {
	for _, name := range []string{"io", "debug", "coroutine", "package", "dofile", "loadfile", "load", "loadstring", "os.execute", "os.exit", "os.getenv", "os.remove", "os.rename", "os.setenv", "os.tmpname"} {
		got, err := eval(t, "return type("+name+")", nil)
		if err != nil || got != "nil" {
			t.Errorf("%s is a %v (%v)", name, got, err)
		}
	}
}

func TestScriptsAreBounded(t *testing.T) {
	for source, want := range map[string]string{
		`while true do end`: "takes too long",
		`while true do pcall(function() while true do end end) end`: "takes too long",
		`local s = "x"; while true do s = s .. s end`:               "too much text",
		`local s = string.rep("x", 1e9)`:                            "too much text",
		`local t = {}; for i = 1, 1e5 do t[i] = ("x"):rep(1e4) end`: "too much text",
		`local function f() return 1 + f() end return f()`:          "stack overflow",
		`return unpack({}, 1, 1e9)`:                                 "",
		`local t = {}; t.t = t; return t`:                           "contains itself",
		`return {1, 2, name = "both"}`:                              "both names and positions",
		`return 0/0`:                                                "not finite",
		`return function() end`:                                     "can't be part",
		`local a = nil; return a.b.c`:                               "index",
		`error("my own words")`:                                     "my own words",
		`return nil .. "x"`:                                         "attempt to concatenate a nil value",
		`local t = setmetatable({}, {__index = function(t, k) return t[k .. "x"] end}); return t.a`: "",
	} {
		_, err := eval(t, source, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestCompileNamesTheScript(t *testing.T) {
	for _, source := range []string{"return (", strings.Repeat("x", maxSource+1)} {
		if _, err := Compile("health.lua of apps/Deployment", source); err == nil || !strings.Contains(err.Error(), "health.lua of apps/Deployment") {
			t.Errorf("%v", err)
		}
	}
}

func FuzzRun(f *testing.F) {
	f.Add(`return {status = "Healthy", message = "a" .. "b"}`)
	f.Add(`for i = 1, 10 do obj[i] = {} end return obj`)
	f.Add(`return string.format("%5.2f %s", 1, {})`)
	f.Add(`goto done; ::done:: return #obj`)
	f.Fuzz(func(t *testing.T, source string) {
		program, err := Compile("fuzz.lua", source)
		if err != nil {
			return
		}
		object := map[string]any{"a": []any{"b"}, "c": map[string]any{}}
		if _, err := program.Run(map[string]any{"obj": object}, object); err != nil && !strings.Contains(err.Error(), "fuzz.lua") {
			t.Errorf("the error doesn't name the script: %v", err)
		}
	})
}
