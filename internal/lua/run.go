package lua

import (
	"context"
	"errors"
	"fmt"
	"time"

	vm "github.com/yuin/gopher-lua"
)

// The bounds of one run. A health check of a large object takes some thousand instructions.
const (
	maxInstructions = 1_000_000
	maxTime         = time.Second // Argo CD's
	maxText         = 32 << 20    // bytes of strings made
)

var errBounds = errors.New("the script takes too long: it was stopped")

// run is one execution.
type run struct {
	state *vm.LState
	// lists tells of tables that were made from JSON whether they are lists.
	lists map[*vm.LTable]bool
	text  int
}

func newRun() *run {
	state := vm.NewState(vm.Options{
		SkipOpenLibs: true, CallStackSize: 128, MinimizeStackMemory: true,
		RegistrySize: 1 << 10, RegistryMaxSize: 1 << 16, RegistryGrowStep: 1 << 10,
	})
	r := &run{state: state, lists: map[*vm.LTable]bool{}}
	for _, library := range []struct {
		name string
		open vm.LGFunction
	}{
		{vm.LoadLibName, vm.OpenPackage}, {vm.BaseLibName, vm.OpenBase}, {vm.TabLibName, vm.OpenTable},
		{vm.StringLibName, vm.OpenString}, {vm.MathLibName, vm.OpenMath}, {vm.OsLibName, vm.OpenOs},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(vm.LString(library.name))
		state.Call(1, 0)
	}
	r.close()
	state.SetContext(&meter{Context: context.Background(), end: time.Now().Add(maxTime), done: make(chan struct{})})
	return r
}

// close takes away what reaches out of the script, and meters what makes strings.
func (r *run) close() {
	for _, name := range []string{"dofile", "loadfile", "load", "loadstring", "module", "require", "print", "_printregs", "collectgarbage", "newproxy", vm.LoadLibName} {
		r.state.SetGlobal(name, vm.LNil)
	}
	clock := r.state.NewTable()
	if all, ok := r.state.GetGlobal(vm.OsLibName).(*vm.LTable); ok {
		for _, name := range []string{"time", "date", "clock", "difftime"} {
			clock.RawSetString(name, all.RawGetString(name))
		}
	}
	r.state.SetGlobal(vm.OsLibName, clock)
	r.state.SetGlobal("print", r.state.NewFunction(func(*vm.LState) int { return 0 }))
	r.state.SetGlobal("require", r.state.NewFunction(func(l *vm.LState) int {
		name := l.CheckString(1)
		library, ok := l.GetGlobal(name).(*vm.LTable)
		if !ok {
			l.RaiseError("module %s is not available to scripts", name)
		}
		l.Push(library)
		return 1
	}))
	for _, library := range []string{vm.StringLibName, vm.TabLibName} {
		if functions, ok := r.state.GetGlobal(library).(*vm.LTable); ok {
			functions.ForEach(func(name, function vm.LValue) {
				if f, ok := function.(*vm.LFunction); ok && f.IsG {
					functions.RawSet(name, r.state.NewFunction(r.metered(f.GFunction)))
				}
			})
		}
	}
	if functions, ok := r.state.GetGlobal(vm.StringLibName).(*vm.LTable); ok {
		if repeat, ok := functions.RawGetString("rep").(*vm.LFunction); ok {
			functions.RawSetString("rep", r.state.NewFunction(func(l *vm.LState) int {
				if n := l.CheckInt(2); n > 0 && len(l.CheckString(1)) > maxText/n {
					l.RaiseError("the script makes too much text: it was stopped")
				}
				return repeat.GFunction(l)
			}))
		}
	}
	r.state.SetGlobal(concat, r.state.NewFunction(r.concatenate))
}

// metered counts the strings that a function returns.
func (r *run) metered(function vm.LGFunction) vm.LGFunction {
	return func(l *vm.LState) int {
		n := function(l)
		for i := 1; i <= n; i++ {
			if text, ok := l.Get(-i).(vm.LString); ok {
				r.count(l, len(text))
			}
		}
		return n
	}
}

func (r *run) concatenate(l *vm.LState) int {
	left, right := l.Get(1), l.Get(2)
	for _, side := range []vm.LValue{left, right} {
		if side.Type() != vm.LTString && side.Type() != vm.LTNumber {
			l.RaiseError("attempt to concatenate a %s value", side.Type())
		}
	}
	a, b := left.String(), right.String()
	r.count(l, len(a)+len(b))
	l.Push(vm.LString(a + b))
	return 1
}

func (r *run) count(l *vm.LState, n int) {
	if r.text += n; r.text > maxText {
		l.RaiseError("the script makes too much text: it was stopped")
	}
}

// meter counts instructions: the machine asks before each whether its context is done.
type meter struct {
	context.Context
	instructions int
	end          time.Time
	done         chan struct{}
	over         bool
}

// Done counts one instruction.
func (m *meter) Done() <-chan struct{} {
	m.instructions++
	if !m.over && (m.instructions > maxInstructions || m.instructions%1024 == 0 && time.Now().After(m.end)) {
		m.over = true
		close(m.done)
	}
	return m.done
}

// Err says why the script was stopped.
func (m *meter) Err() error {
	if m.over {
		return errBounds
	}
	return nil
}

// in makes a Lua value of decoded JSON.
func (r *run) in(value any) vm.LValue {
	switch value := value.(type) {
	case nil:
		return vm.LNil
	case bool:
		return vm.LBool(value)
	case string:
		return vm.LString(value)
	case int:
		return vm.LNumber(value)
	case int64:
		return vm.LNumber(value)
	case float64:
		return vm.LNumber(value)
	case []any:
		table := r.state.CreateTable(len(value), 0)
		for i, item := range value {
			table.RawSetInt(i+1, r.in(item))
		}
		r.lists[table] = true
		return table
	case map[string]any:
		table := r.state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, r.in(item))
		}
		r.lists[table] = false
		return table
	}
	return vm.LString(fmt.Sprint(value))
}
