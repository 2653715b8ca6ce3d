package lua

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	vm "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// maxSource bounds a script's text; a ConfigMap holds 1 MiB altogether.
const maxSource = 256 << 10

// Program is a compiled script. It is safe for concurrent use.
type Program struct{ proto *vm.FunctionProto }

// Compile reads a script. The error names the script and the line.
func Compile(name, source string) (program *Program, err error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("compiling Lua script %s: %d bytes are more than the %d allowed", name, len(source), maxSource)
	}
	defer func() {
		if p := recover(); p != nil { // the compiler panics on some of what the parser accepts
			program, err = nil, fmt.Errorf("compiling Lua script %s: %v", name, p)
		}
	}()
	chunk, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		return nil, fmt.Errorf("compiling Lua script %s: %w", name, err)
	}
	meterConcatenations(reflect.ValueOf(chunk))
	proto, err := vm.Compile(chunk, name)
	if err != nil {
		return nil, fmt.Errorf("compiling Lua script %s: %w", name, err)
	}
	return &Program{proto}, nil
}

// concat is the global function that a..b becomes. The machine has no bound on memory, and a string that is doubled is
// the one way to use much of it with few instructions.
const concat = "__concat"

var (
	expression    = reflect.TypeFor[ast.Expr]()
	concatenation = reflect.TypeFor[*ast.StringConcatOpExpr]()
)

// meterConcatenations puts a call of concat in place of each concatenation below a part of a syntax tree.
func meterConcatenations(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			meterConcatenations(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			meterConcatenations(v.Elem())
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		meterConcatenations(v.Elem())
		if v.Type() == expression && v.Elem().Type() == concatenation && v.CanSet() {
			operation := v.Interface().(*ast.StringConcatOpExpr)
			function := &ast.IdentExpr{Value: concat}
			call := &ast.FuncCallExpr{Func: function, Args: []ast.Expr{operation.Lhs, operation.Rhs}, AdjustRet: true}
			function.SetLine(operation.Line())
			call.SetLine(operation.Line())
			call.SetLastLine(operation.LastLine())
			v.Set(reflect.ValueOf(ast.Expr(call)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				meterConcatenations(v.Field(i))
			}
		}
	}
}

// Run runs the script with these globals, which are decoded JSON, and returns its first value. A table that the script
// left empty becomes what the value at the same place in hint is, a list or an object; in doubt a list, and an object where
// it is the whole result.
func (p *Program) Run(globals map[string]any, hint any) (result any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			result, err = nil, fmt.Errorf("running Lua script %s: %v", p.proto.SourceName, problem)
		}
	}()
	run := newRun()
	defer run.state.Close()
	for name, value := range globals {
		run.state.SetGlobal(name, run.in(value))
	}
	run.state.Push(run.state.NewFunctionFromProto(p.proto))
	if err := run.state.PCall(0, 1, nil); err != nil {
		return nil, fmt.Errorf("running Lua script %s: %s", p.proto.SourceName, reason(err))
	}
	result, err = run.out(run.state.Get(-1), hint, 0)
	if err != nil {
		return nil, fmt.Errorf("reading what Lua script %s returned: %w", p.proto.SourceName, err)
	}
	return result, nil
}

// reason is what went wrong, without the stack.
func reason(err error) string {
	var failure *vm.ApiError
	if errors.As(err, &failure) && failure.Object != nil && failure.Object != vm.LNil {
		return failure.Object.String()
	}
	return err.Error()
}
