package plugin

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The methods of the service, by the names of Argo CD's cmpserver/plugin/plugin.proto.
const (
	methodGenerate      = "/plugin.ConfigManagementPluginService/GenerateManifest"
	methodMatch         = "/plugin.ConfigManagementPluginService/MatchRepository"
	methodConfiguration = "/plugin.ConfigManagementPluginService/CheckPluginConfiguration"
)

// message is one of the protocol's few messages, written by hand: generated code would bring upstream's packages.
type message interface {
	marshal() []byte
	// unmarshal takes a field; those that it doesn't know it leaves out.
	unmarshal(number protowire.Number, value []byte) error
}

// empty is google.protobuf.Empty.
type empty struct{}

func (*empty) marshal() []byte                          { return nil }
func (*empty) unmarshal(protowire.Number, []byte) error { return nil }

// streamRequest is AppStreamRequest: metadata first, then chunks of the archive.
type streamRequest struct {
	metadata *metadata
	chunk    []byte
}

// metadata is ManifestRequestMetadata.
type metadata struct {
	appName, appRelPath string
	// checksum is the archive's SHA-256 in hexadecimal digits; size is its length in bytes.
	checksum string
	size     int64
	// env are variables, each NAME=value on the wire split into the two.
	env []variable
}

// variable is EnvEntry.
type variable struct{ name, value string }

func (r *streamRequest) marshal() []byte {
	if r.metadata != nil {
		return appendBytes(nil, 1, r.metadata.marshal())
	}
	return appendBytes(nil, 2, appendBytes(nil, 1, r.chunk))
}

func (r *streamRequest) unmarshal(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		r.metadata = &metadata{}
		return fields(value, r.metadata.unmarshal)
	case 2:
		return fields(value, func(number protowire.Number, value []byte) error {
			if number == 1 {
				r.chunk = bytes.Clone(value)
			}
			return nil
		})
	}
	return nil
}

func (m *metadata) marshal() []byte {
	out := appendBytes(nil, 1, []byte(m.appName))
	out = appendBytes(out, 2, []byte(m.appRelPath))
	out = appendBytes(out, 3, []byte(m.checksum))
	out = protowire.AppendTag(out, 4, protowire.VarintType)
	out = protowire.AppendVarint(out, uint64(m.size))
	for _, v := range m.env {
		out = appendBytes(out, 5, appendBytes(appendBytes(nil, 1, []byte(v.name)), 2, []byte(v.value)))
	}
	return out
}

func (m *metadata) unmarshal(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		m.appName = string(value)
	case 2:
		m.appRelPath = string(value)
	case 3:
		m.checksum = string(value)
	case 4:
		m.size = int64(varint(value))
	case 5:
		var v variable
		m.env = append(m.env, v)
		last := &m.env[len(m.env)-1]
		return fields(value, func(number protowire.Number, value []byte) error {
			switch number {
			case 1:
				last.name = string(value)
			case 2:
				last.value = string(value)
			}
			return nil
		})
	}
	return nil
}

// manifestResponse is ManifestResponse.
type manifestResponse struct{ manifests []string }

func (r *manifestResponse) marshal() (out []byte) {
	for _, text := range r.manifests {
		out = appendBytes(out, 1, []byte(text))
	}
	return out
}

func (r *manifestResponse) unmarshal(number protowire.Number, value []byte) error {
	if number == 1 {
		r.manifests = append(r.manifests, string(value))
	}
	return nil
}

// repositoryResponse is RepositoryResponse.
type repositoryResponse struct{ supported bool }

func (r *repositoryResponse) marshal() []byte { return appendBool(nil, 1, r.supported) }

func (r *repositoryResponse) unmarshal(number protowire.Number, value []byte) error {
	if number == 1 {
		r.supported = varint(value) != 0
	}
	return nil
}

// configurationResponse is CheckPluginConfigurationResponse.
type configurationResponse struct {
	// discovers says that the plugin can tell which folders are for it.
	discovers bool
	// borrows says that the plugin wants the credentials of the source's repository.
	borrows bool
}

func (r *configurationResponse) marshal() []byte {
	return appendBool(appendBool(nil, 1, r.discovers), 2, r.borrows)
}

func (r *configurationResponse) unmarshal(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		r.discovers = varint(value) != 0
	case 2:
		r.borrows = varint(value) != 0
	}
	return nil
}

func appendBytes(out []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), value)
}

func appendBool(out []byte, number protowire.Number, value bool) []byte {
	if !value {
		return out
	}
	return protowire.AppendVarint(protowire.AppendTag(out, number, protowire.VarintType), 1)
}

// varint reads the value of a field that is a number.
func varint(value []byte) uint64 {
	n, _ := protowire.ConsumeVarint(value)
	return n
}

// fields gives each field of a message to take: the content of those with a length, else their bytes as they are.
func fields(data []byte, take func(protowire.Number, []byte) error) error {
	for len(data) > 0 {
		number, kind, length := protowire.ConsumeTag(data)
		if length < 0 {
			return protowire.ParseError(length)
		}
		data = data[length:]
		if length = protowire.ConsumeFieldValue(number, kind, data); length < 0 {
			return protowire.ParseError(length)
		}
		value := data[:length]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if err := take(number, value); err != nil {
			return err
		}
		data = data[length:]
	}
	return nil
}

// codec is gRPC's way to the messages.
type codec struct{}

// Name is that of the format on the wire.
func (codec) Name() string { return "proto" }

// Marshal encodes a message.
func (codec) Marshal(v any) ([]byte, error) {
	m, ok := v.(message)
	if !ok {
		return nil, fmt.Errorf("encoding %T: it is no message of the plugins' protocol", v)
	}
	return m.marshal(), nil
}

// Unmarshal decodes a message. It keeps no part of data.
func (codec) Unmarshal(data []byte, v any) error {
	m, ok := v.(message)
	if !ok {
		return fmt.Errorf("decoding %T: it is no message of the plugins' protocol", v)
	}
	return fields(data, m.unmarshal)
}
