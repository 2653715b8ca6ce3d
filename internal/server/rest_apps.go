package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// jsonWriter collects JSON.
type jsonWriter struct {
	bytes.Buffer
	encoder *json.Encoder
}

func newJSONWriter() *jsonWriter {
	w := &jsonWriter{}
	w.encoder = json.NewEncoder(&w.Buffer)
	return w
}

// value appends a value.
func (w *jsonWriter) value(value any) error {
	if err := w.encoder.Encode(value); err != nil {
		return err
	}
	w.Truncate(w.Len() - 1) // the line's end
	return nil
}

// enough is how many bytes of a list are collected before they are sent.
const enough = 64 << 10

// answerApps sends a list of applications as it is encoded: as a whole it may be a hundred megabytes. Selected may be nil for
// all of each application.
func answerApps(out *answer, list *protocol.Applications, selected *appSelection) error {
	collected := newJSONWriter()
	collected.WriteString(`{"metadata":`)
	if err := collected.value(list.ListMeta); err != nil {
		return err
	}
	collected.WriteString(`,"items":[`)
	for i, app := range list.Items {
		if i > 0 {
			collected.WriteByte(',')
		}
		if err := writeApp(collected, app, selected); err != nil {
			if out.begun { // it is too late to say what is wrong: the client sees that the answer is cut off
				panic(http.ErrAbortHandler)
			}
			return err
		}
		if collected.Len() >= enough {
			if _, err := out.Write(collected.Bytes()); err != nil {
				return clientGone(err)
			}
			collected.Reset()
		}
	}
	collected.WriteString("]}")
	_, err := out.Write(collected.Bytes())
	return clientGone(errors.Join(err, out.Close()))
}

func writeApp(w *jsonWriter, app *argo.Application, selected *appSelection) error {
	if selected == nil {
		return w.value(app)
	}
	return selected.write(w, app)
}

// eventJSON is an event of a watch, as REST sends it.
func eventJSON(event *protocol.ApplicationWatchEvent, selected *appSelection, withType bool) ([]byte, error) {
	w := newJSONWriter()
	w.WriteString(`{"result":{"application":`)
	if err := selected.write(w, &event.Application); err != nil {
		return nil, err
	}
	if withType {
		w.WriteString(`,"type":"` + event.Type + `"`)
	}
	w.WriteString("}}")
	return w.Bytes(), nil
}
