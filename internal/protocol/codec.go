package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// ErrMalformed is wrapped by the errors of input that isn't a message: cut off, of another wire type, too deep, or not
// UTF-8 where text is due.
var ErrMalformed = errors.New("malformed message")

// Proto writes and reads messages as Protocol Buffers (proto2). It has the method set of connect.Codec under the name
// "proto", and so is what gRPC and gRPC-web speak by default.
type Proto struct {
	// MaxElements bounds the list elements and map entries of one message with all that is in it, when decoding; 0 means
	// 1,000,000. Two bytes on the wire can become a struct of some hundred bytes.
	MaxElements int
}

const defaultMaxElements = 1_000_000

// Name is the content subtype: "proto".
func (Proto) Name() string { return "proto" }

// Marshal encodes a message, a pointer to a struct with protobuf tags. Fields that hold their zero value are left out,
// which every proto2 and proto3 reader takes for the zero value, unless they are required; maps are sorted by key.
func (p Proto) Marshal(message any) ([]byte, error) { return p.MarshalAppend(nil, message) }

// MarshalAppend is Marshal that appends to a buffer.
func (Proto) MarshalAppend(buffer []byte, message any) ([]byte, error) {
	v := reflect.ValueOf(message)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("encoding %T: it isn't a pointer to a struct", message)
	}
	if foreign, ok := message.(foreign); ok && encodesItself(v.Elem().Type()) {
		encoded, err := foreign.Marshal()
		return append(buffer, encoded...), err
	}
	layout, err := layoutOf(v.Elem().Type())
	if err != nil {
		return nil, err
	}
	return layout.append(buffer, v.Elem(), 0)
}

// Unmarshal decodes into a message. Fields that the message doesn't know are skipped; those that it doesn't name keep
// their value.
func (p Proto) Unmarshal(data []byte, message any) error {
	v := reflect.ValueOf(message)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decoding %T: it isn't a pointer to a struct", message)
	}
	if foreign, ok := message.(foreign); ok && encodesItself(v.Elem().Type()) {
		return (&decoder{left: defaultMaxElements}).foreign(data, foreign)
	}
	layout, err := layoutOf(v.Elem().Type())
	if err != nil {
		return err
	}
	d := decoder{left: defaultMaxElements}
	if p.MaxElements > 0 {
		d.left = p.MaxElements
	}
	if err := d.message(data, v.Elem(), layout, 0); err != nil {
		return fmt.Errorf("decoding %s: %w", v.Elem().Type().Name(), err)
	}
	return nil
}

// JSON writes and reads messages as Go does, by their json tags: the form of Argo CD's REST API and of Connect's
// JSON requests. It has the method set of connect.Codec.
type JSON struct {
	// ContentType is what the codec is called; empty means "json".
	ContentType string
}

// Name is the content subtype.
func (j JSON) Name() string {
	if j.ContentType == "" {
		return "json"
	}
	return j.ContentType
}

// Marshal encodes a message.
func (JSON) Marshal(message any) ([]byte, error) { return json.Marshal(message) }

// Unmarshal decodes into a message; unknown fields are skipped, no data is an empty message. There is the same bound for
// elements as Proto has by default.
func (JSON) Unmarshal(data []byte, message any) error {
	if len(data) == 0 {
		return nil
	}
	if elements(data) > defaultMaxElements {
		return fmt.Errorf("%w: too many elements", ErrMalformed)
	}
	return json.Unmarshal(data, message)
}

// elements is at least the number of values in a JSON text: each but the first of a list or object follows a comma.
func elements(data []byte) int {
	count, inText := 1, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inText = !inText
		case inText && c == '\\':
			i++
		case !inText && (c == ',' || c == '{' || c == '['):
			count++
		}
	}
	return count
}

// foreign is a type that brings its own encoding, as those of apimachinery do (ObjectMeta, Time, Quantity, …).
type foreign interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}
