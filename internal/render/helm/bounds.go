package helm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

const (
	// maxOutput bounds what all templates of a chart may print together, and any one string on the way.
	maxOutput = 64 << 20
	// maxItems bounds the lists and mappings that template functions make.
	maxItems = 1 << 20
	// maxGrowth bounds what one call of a function might make of its arguments.
	maxGrowth = 4 * maxOutput
	// maxNesting bounds templates in templates; the deepest in public charts are some dozens.
	maxNesting = 1000
)

// bounds stop templates that don't stop by themselves. Three places are watched: every turn of a loop and every entry into
// a template, by calls that are put into the parsed templates; everything printed; and every result of a function.
type bounds struct {
	ctx     context.Context
	nesting int
}

func (b *bounds) turn() (string, error) { return "", context.Cause(b.ctx) }

func (b *bounds) enter() error {
	if b.nesting++; b.nesting > maxNesting {
		return fmt.Errorf("templates are nested more than %d deep: does one include itself?", maxNesting)
	}
	return context.Cause(b.ctx)
}

func (b *bounds) leave() { b.nesting-- }

// boundedWriter collects what a template prints.
type boundedWriter struct {
	bounds *bounds
	text   strings.Builder
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	if err := context.Cause(w.bounds.ctx); err != nil {
		return 0, err
	}
	if w.text.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("more than %d bytes of output", maxOutput)
	}
	return w.text.Write(p)
}

// The names of the calls that instrument puts in. A chart that uses them harms only its own bounds' accuracy.
const (
	turnCall  = "fairlead_turn"
	enterCall = "fairlead_enter"
	leaveCall = "fairlead_leave"
)

// marks are the calls as nodes of a parsed template of the given name, which errors then show.
type marks struct{ turn, enter, leave parse.Node }

func (e *engine) marks(name string) marks {
	text := "{{" + turnCall + "}}{{" + enterCall + "}}{{" + leaveCall + "}}"
	nothing := func() string { return "" }
	trees, err := parse.Parse(name, text, "", "", map[string]any{turnCall: nothing, enterCall: nothing, leaveCall: nothing})
	if err != nil {
		panic(err) // the text is a constant
	}
	nodes := trees[name].Root.Nodes
	return marks{nodes[0], nodes[1], nodes[2]}
}

// instrument puts the calls into all templates of the set that don't have them yet.
func (e *engine) instrument(set *template.Template) {
	for _, t := range set.Templates() {
		if t.Tree == nil || t.Tree.Root == nil || isInstrumented(t.Tree.Root) {
			continue
		}
		m := e.marks(t.Tree.ParseName)
		instrumentLoops(t.Tree.Root, m)
		root := t.Tree.Root
		root.Nodes = append(append([]parse.Node{m.enter}, root.Nodes...), m.leave)
	}
}

func isInstrumented(root *parse.ListNode) bool {
	if len(root.Nodes) == 0 {
		return false
	}
	action, ok := root.Nodes[0].(*parse.ActionNode)
	return ok && action.String() == "{{"+enterCall+"}}"
}

func instrumentLoops(list *parse.ListNode, m marks) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.RangeNode:
			instrumentLoops(node.List, m)
			instrumentLoops(node.ElseList, m)
			node.List.Nodes = append([]parse.Node{m.turn}, node.List.Nodes...)
		case *parse.IfNode:
			instrumentLoops(node.List, m)
			instrumentLoops(node.ElseList, m)
		case *parse.WithNode:
			instrumentLoops(node.List, m)
			instrumentLoops(node.ElseList, m)
		}
	}
}

// guarded wraps functions so that none gives a value of unbounded size, and adds the calls of instrument. A panic is how
// such a wrapper fails: text/template turns it into an error at the place of the call.
func (e *engine) guarded(funcs template.FuncMap) template.FuncMap {
	guarded := template.FuncMap{
		turnCall: e.turn,
		enterCall: func() (string, error) {
			return "", e.enter()
		},
		leaveCall: func() string {
			e.leave()
			return ""
		},
	}
	for name, function := range funcs {
		guarded[name] = guard(name, function)
	}
	return guarded
}

var errTooMuch = errors.New("the result is too large")

// unmeasured are functions that pass on what they get, so that its size says nothing of the result's.
var unmeasured = []string{"include", "tpl"}

// guard wraps one function: arguments from which it could make too much are refused before, too large results after.
func guard(name string, function any) any {
	value := reflect.ValueOf(function)
	signature := value.Type()
	measured := signature.Out(0).Kind() == reflect.String && !slices.Contains(unmeasured, name)
	return reflect.MakeFunc(signature, func(arguments []reflect.Value) []reflect.Value {
		if measured && tooMuch(signature, arguments) {
			panic(errTooMuch)
		}
		var results []reflect.Value
		if signature.IsVariadic() {
			results = value.CallSlice(arguments)
		} else {
			results = value.Call(arguments)
		}
		result := results[0]
		if result.Kind() == reflect.Interface {
			result = result.Elem()
		}
		switch result.Kind() {
		case reflect.String:
			if result.Len() > maxOutput {
				panic(errTooMuch)
			}
		case reflect.Slice, reflect.Map:
			if result.Len() > maxItems && result.Type().Elem().Kind() != reflect.Uint8 {
				panic(errTooMuch)
			}
		}
		return results
	}).Interface()
}

// tooMuch estimates what a function that gives a text could make: the sum of its arguments, as join does, or the product of
// the two largest, as replace and indent do.
func tooMuch(signature reflect.Type, arguments []reflect.Value) bool {
	sum, largest, second := 0, 0, 0
	for i, argument := range arguments {
		size := 0
		if signature.In(i).Kind() == reflect.Int {
			size = int(max(argument.Int(), 0))
			if size > maxOutput {
				return true
			}
		} else {
			size = measure(argument, maxGrowth)
			sum += size
		}
		if size > largest {
			largest, second = size, largest
		} else {
			second = max(second, size)
		}
	}
	return sum > maxGrowth || second > 0 && largest > maxGrowth/second
}

// measure adds up texts in a value, one for anything else, until they are over the limit.
func measure(value reflect.Value, limit int) int {
	switch value.Kind() {
	case reflect.String:
		return value.Len()
	case reflect.Interface:
		if !value.IsNil() {
			return measure(value.Elem(), limit)
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return value.Len()
		}
		sum := 0
		for i := 0; i < value.Len() && sum <= limit; i++ {
			sum += 1 + measure(value.Index(i), limit-sum)
		}
		return sum
	case reflect.Map:
		sum := 0
		for entries := value.MapRange(); entries.Next() && sum <= limit; {
			sum += 1 + measure(entries.Key(), limit-sum) + measure(entries.Value(), limit-sum)
		}
		return sum
	}
	return 1
}
