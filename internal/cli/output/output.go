// Package output prints what a command has to show: a table for people, wide for people with a wide window, JSON and
// YAML for programs. It knows nothing of what it prints.
//
// Start with Print.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"
)

// Format is how something is printed. Which of them a command has, it says itself.
type Format string

// The formats.
const (
	Table    Format = ""
	Wide     Format = "wide"
	JSON     Format = "json"
	YAML     Format = "yaml"
	Name     Format = "name"
	ID       Format = "id"
	Short    Format = "short"
	URL      Format = "url"
	Tree     Format = "tree"
	Detailed Format = "tree=detailed"
)

// Formats are the values that -o of a table takes.
var Formats = []string{"wide", "json", "yaml", "name"}

// Parse checks the value of -o of a table.
func Parse(text string) (Format, error) {
	switch f := Format(text); f {
	case Table, Wide, JSON, YAML, Name:
		return f, nil
	}
	return "", fmt.Errorf("unknown output format %q: use one of %s", text, strings.Join(Formats, ", "))
}

// Column is one column of a table of T.
type Column[T any] struct {
	Title string
	Cell  func(T) string
	// Wide columns are shown only with -o wide.
	Wide bool
}

// Print prints items. The first column is the name. JSON and YAML print value instead: the items, or what they came in.
func Print[T any](w io.Writer, format Format, value any, items []T, columns []Column[T]) error {
	switch format {
	case JSON, YAML:
		if list, ok := value.([]T); ok && len(list) == 0 {
			value = []T{} // not null
		}
		_, err := Value(w, format, value)
		return err
	case Name:
		for _, item := range items {
			if _, err := fmt.Fprintln(w, columns[0].Cell(item)); err != nil {
				return err
			}
		}
		return nil
	}
	return printTable(w, format == Wide, items, columns)
}

// Value prints one message as JSON or YAML; ok is false for formats that are for people.
func Value(w io.Writer, format Format, value any) (ok bool, err error) {
	switch format {
	case JSON:
		return true, printJSON(w, value)
	case YAML:
		return true, printYAML(w, value)
	}
	return false, nil
}

// Fields prints labelled lines, one a pair, with the values in a column of their own; pairs without a value are left out.
func Fields(w io.Writer, pairs ...[2]string) error {
	for _, pair := range pairs {
		if pair[1] == "" {
			continue
		}
		if err := Field(w, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// Field prints one labelled line.
func Field(w io.Writer, label string, value any) error {
	_, err := fmt.Fprintf(w, "%-20s%v\n", label+":", value)
	return err
}

// Lines prints rows of cells as a table; the first is the titles.
func Lines(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

func printTable[T any](w io.Writer, wide bool, items []T, columns []Column[T]) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var shown []Column[T]
	var titles []string
	for _, column := range columns {
		if wide || !column.Wide {
			shown = append(shown, column)
			titles = append(titles, column.Title)
		}
	}
	fmt.Fprintln(table, strings.Join(titles, "\t"))
	for _, item := range items {
		cells := make([]string, len(shown))
		for i, column := range shown {
			cells[i] = strings.ReplaceAll(column.Cell(item), "\n", " ")
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printYAML(w io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return fmt.Errorf("printing YAML: %w", err)
	}
	_, err = w.Write(text)
	return err
}
