package access

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrPolicy is wrapped by the error of a policy that can't be used. A caller keeps the one before.
var ErrPolicy = errors.New("invalid RBAC policy")

// maxPolicy bounds the text of one policy in bytes: a ConfigMap's size.
const maxPolicy = 1 << 20

// rule is one "p" line.
type rule struct {
	subject, resource, action, object string
	allow                             bool
	mode                              MatchMode
	// project limits the rule to objects of that project: it comes from the project's own roles.
	project string
	// where says in which policy and line the rule stands, for errors.
	where string
}

// grouping is one "g" line: the member has all rules of the role.
type grouping struct {
	member, role string
	project      string
}

type policies struct {
	rules  []rule
	groups []grouping
}

func (p *policies) add(other policies) {
	p.rules = append(p.rules, other.rules...)
	p.groups = append(p.groups, other.groups...)
}

// parse reads the lines of a policy: "p, subject, resource, action, object[, effect]" and "g, member, role", with CSV's
// quotes, empty lines and # comments. Without an effect a line allows, as ACK One's manuals write it; Argo CD itself
// rejects such lines.
func parse(name, text string, mode MatchMode) (policies, error) {
	if len(text) > maxPolicy {
		return policies{}, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrPolicy, name, len(text), maxPolicy)
	}
	var p policies
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.parseLine(line, mode, fmt.Sprintf("%s, line %d", name, number)); err != nil {
			return policies{}, fmt.Errorf("%w: %s, line %d (%q): %v", ErrPolicy, name, number, line, err)
		}
	}
	return p, nil
}

func (p *policies) parseLine(line string, mode MatchMode, where string) error {
	reader := csv.NewReader(strings.NewReader(line))
	reader.TrimLeadingSpace = true
	reader.FieldsPerRecord = -1
	fields, err := reader.Read()
	if err != nil {
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			err = syntax.Err
		}
		return err
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	switch {
	case fields[0] == "g" && len(fields) == 3:
		p.groups = append(p.groups, grouping{member: fields[1], role: fields[2]})
		return nil
	case fields[0] == "g":
		return fmt.Errorf("it has %d fields; write: g, USER OR GROUP, ROLE", len(fields))
	case fields[0] != "p":
		return fmt.Errorf("it begins with %q; write p for a permission or g for a role's member", fields[0])
	case len(fields) != 5 && len(fields) != 6:
		return fmt.Errorf("it has %d fields; write: p, SUBJECT, RESOURCE, ACTION, OBJECT, allow or deny", len(fields))
	}
	r := rule{
		subject: fields[1], resource: fields[2], action: fields[3], object: fields[4], allow: true, mode: mode, where: where,
	}
	if len(fields) == 6 {
		switch fields[5] {
		case "allow":
		case "deny":
			r.allow = false
		default:
			return fmt.Errorf("its effect is %q; write allow or deny", fields[5])
		}
	}
	p.rules = append(p.rules, r)
	return nil
}

// parseConfig reads policy.csv and then each policy.*.csv of a ConfigMap, by name.
func parseConfig(data map[string]string, mode MatchMode) (policies, error) {
	var all policies
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if key != "policy.csv" && !(strings.HasPrefix(key, "policy.") && strings.HasSuffix(key, ".csv")) {
			continue
		}
		p, err := parse(key, data[key], mode)
		if err != nil {
			return policies{}, err
		}
		all.add(p)
	}
	return all, nil
}
