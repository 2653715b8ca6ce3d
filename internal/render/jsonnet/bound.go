package jsonnet

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/metrics"
	"time"
	"unsafe"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
)

const (
	// checkEvery is how many steps of an evaluation go between two looks at the clock; a million steps take about 0.2 seconds.
	checkEvery = 4
	// pause is how long an evaluation goes on between two looks at its context and at the memory. A value that doubles with
	// each step is slow when it is large, so that there is a look between two doublings.
	pause = time.Millisecond
	// maxGrowth is how much the memory of the process may grow during one evaluation. Others that grow at the same time are
	// counted too.
	maxGrowth = 256 << 20
)

// heap is the metric of the memory in use.
const heap = "/memory/classes/heap/objects:bytes"

// errMemory ends an evaluation that takes too much memory.
var errMemory = errors.New("it takes too much memory")

// bound ends an evaluation whose time is up or that takes too much memory. Jsonnet's library has no way to end one: the depth
// of the stack doesn't bound a tail-recursive function, the size of the output not what is made on the way to it, and an
// evaluation that is left behind in a goroutine takes a core, and as much memory as it wants, until the hub is restarted.
type bound struct {
	ctx   context.Context
	steps int
	// growth is how much the memory may grow from start.
	growth uint64
	start  uint64
	next   time.Time
	// reason is why the evaluation was ended.
	reason error
}

// hold makes the virtual machine ask the bound before each step, by the hook that it has for its debugger. The hook can't be
// set from outside of its package other than by its address; the test that ends an endless recursion shows that it works.
func (b *bound) hold(vm *jsonnet.VM) {
	b.start = heapBytes()
	hook := reflect.ValueOf(&vm.EvalHook).Elem().FieldByName("pre")
	if hook.Kind() != reflect.Func || hook.Type().NumIn() != 2 || hook.Type().In(0).Kind() != reflect.Pointer ||
		hook.Type().In(1) != reflect.TypeFor[ast.Node]() || hook.Type().NumOut() != 0 {
		panic(fmt.Sprintf("the hook of Jsonnet's evaluation is not as it was: %s", hook.Type()))
	}
	// A call through reflection would double the time of all evaluations. A pointer is passed like any other.
	*(*func(unsafe.Pointer, ast.Node))(hook.Addr().UnsafePointer()) = func(unsafe.Pointer, ast.Node) { b.step() }
}

// step panics when the evaluation must end, which Jsonnet turns into an error.
func (b *bound) step() {
	if b.steps++; b.steps%checkEvery != 0 {
		return
	}
	now := time.Now()
	if now.Before(b.next) {
		return
	}
	b.next = now.Add(pause)
	if b.ctx.Err() != nil {
		b.reason = context.Cause(b.ctx)
	} else if heapBytes() > b.start+b.growth {
		b.reason = errMemory
	}
	if b.reason != nil {
		panic(b.reason)
	}
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: heap}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
