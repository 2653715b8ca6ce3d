package health

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// clause is one line of a table of kinds. If its guards hold it is a health, or asks the clauses below it, once or for each
// item of a list; the first answer counts.
type clause struct {
	guards  []guard
	code    v1alpha1.HealthStatusCode
	message []operand
	each    operand
	next    bool // go on with the list's next item
	below   []clause
}

// operand is a field of the object, a field of the list's item, or a text. Of several alternatives the first that there is
// counts.
type operand struct {
	text         string
	path         []string
	item         bool
	alternatives []operand
}

// guard compares a field. Without an operator it tells whether the field is there.
type guard struct {
	not        bool
	length     bool
	left       operand
	operator   string
	right      []operand
	conditions *clause // @Type=Status: an item of status.conditions is looked for, which then is the item
}

// scope is what operands are looked up in.
type scope struct {
	object map[string]any
	item   any
}

// goOn is the answer of a clause that ends with the item.
var goOn = &Status{}

func judgeBy(clauses []clause, u *unstructured.Unstructured) *Status {
	s := scope{object: u.Object}
	if status := s.first(clauses); status != nil && status != goOn {
		return status
	}
	return nil
}

func (s scope) first(clauses []clause) *Status {
	for i := range clauses {
		if status := s.ask(&clauses[i]); status != nil {
			return status
		}
	}
	return nil
}

func (s scope) ask(c *clause) *Status {
	for i := range c.guards {
		if !s.holds(&c.guards[i]) {
			return nil
		}
	}
	switch {
	case c.next:
		return goOn
	case c.each.path != nil:
		for _, item := range items(s.value(c.each)) {
			if status := (scope{s.object, item}).first(c.below); status != nil && status != goOn {
				return status
			}
		}
		return nil
	case c.below != nil:
		return s.first(c.below)
	}
	var message strings.Builder
	for _, part := range c.message {
		text, _ := s.text(part)
		message.WriteString(text)
	}
	return &Status{c.code, message.String()}
}

// holds tells whether a guard is met. One that looks for a condition makes it the item of the guards and messages after it.
func (s *scope) holds(g *guard) bool {
	if g.conditions != nil {
		for _, item := range items(s.value(operand{path: []string{"status", "conditions"}})) {
			inner := scope{s.object, item}
			if inner.ask(g.conditions) != nil {
				if !g.not {
					s.item = item
				}
				return !g.not
			}
		}
		return g.not
	}
	left, found := s.text(g.left)
	if g.length {
		left, found = strconv.Itoa(len(items(s.value(g.left)))), true
	}
	if g.operator == "" {
		return found != g.not
	}
	differs := g.operator == "!=" // from every one of the alternatives
	for _, operand := range g.right {
		right, there := s.text(operand)
		if compare(left, found, g.operator, right, there) != differs {
			return !differs
		}
	}
	return differs
}

func compare(left string, found bool, operator, right string, there bool) bool {
	switch operator {
	case "=":
		return found == there && left == right
	case "!=":
		return found != there || left != right
	case "^=":
		return found && strings.HasPrefix(left, right)
	}
	a, errA := strconv.ParseFloat(left, 64)
	b, errB := strconv.ParseFloat(right, 64)
	if errA != nil || errB != nil {
		return false
	}
	switch operator {
	case "<":
		return a < b
	case ">":
		return a > b
	case ">=":
		return a >= b
	}
	return a <= b
}

func (s scope) value(o operand) any {
	var value any = s.object
	if o.item {
		value = s.item
	}
	for _, name := range o.path {
		if all, ok := value.([]any); ok && name == "0" && len(all) > 0 {
			value = all[0]
			continue
		}
		fields, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = fields[name]
	}
	return value
}

// text is the operand as text, and whether it is there.
func (s scope) text(o operand) (string, bool) {
	for _, alternative := range o.alternatives {
		if text, found := s.text(alternative); found {
			return text, true
		}
	}
	if o.path == nil && !o.item {
		return o.text, o.alternatives == nil
	}
	switch value := s.value(o).(type) {
	case nil:
		return "", false
	case string:
		return value, true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	case map[string]any, []any:
		return "", true
	default:
		return fmt.Sprint(value), true
	}
}

// items are those of a list, or the values of a map in the order of their names.
func items(value any) []any {
	switch value := value.(type) {
	case []any:
		return value
	case map[string]any:
		var all []any
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, value[name])
		}
		return all
	}
	return nil
}
