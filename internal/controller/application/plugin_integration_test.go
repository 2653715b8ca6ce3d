//go:build integration

package application

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// sidecar is a config management plugin as Argo CD's sidecar serves one, with two shell scripts.
type sidecar struct {
	dir                string
	generate, discover string
}

// cmdPlugin runs a plugin until the end of the scenario.
func (s *scenario) cmdPlugin(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: plugin NAME GENERATE [DISCOVER]")
	}
	p := &sidecar{dir: s.t.TempDir(), generate: args[1]}
	if len(args) == 3 {
		p.discover = args[2]
	}
	listener, err := net.Listen("unix", filepath.Join(s.sockets, args[0]+".sock"))
	ts.Check(err)
	server := grpc.NewServer(grpc.ForceServerCodec(asIs{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "plugin.ConfigManagementPluginService", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "GenerateManifest", ClientStreams: true, Handler: p.stream(func(out string) []byte {
				return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), out)
			}, func() string { return p.generate })},
			{StreamName: "MatchRepository", ClientStreams: true, Handler: p.stream(func(out string) []byte {
				return flag(out != "")
			}, func() string { return p.discover })},
		},
		Methods: []grpc.MethodDesc{{MethodName: "CheckPluginConfiguration", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			answer := flag(p.discover != "")
			return &answer, decode(new([]byte))
		}}},
	}, p)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	s.t.Cleanup(server.Stop)
}

func flag(set bool) []byte {
	if !set {
		return nil
	}
	return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
}

// stream receives an archive, unpacks it, runs a script in the application's folder, and answers with what it prints.
func (p *sidecar) stream(answer func(string) []byte, script func() string) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		var metadata map[protowire.Number][]string
		var packed bytes.Buffer
		for {
			var message []byte
			if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
			fields := fieldsOf(message)
			for _, part := range fields[1] {
				metadata = fieldsOf([]byte(part))
			}
			for _, file := range fields[2] {
				for _, chunk := range fieldsOf([]byte(file))[1] {
					packed.WriteString(chunk)
				}
			}
		}
		dir, err := os.MkdirTemp(p.dir, "")
		if err == nil {
			err = unpack(&packed, dir)
		}
		if err != nil {
			return err
		}
		command := exec.Command("sh", "-c", script())
		command.Dir = filepath.Join(dir, strings.Join(metadata[2], ""))
		command.Env = []string{"PATH=" + os.Getenv("PATH")}
		for _, entry := range metadata[5] {
			pair := fieldsOf([]byte(entry))
			command.Env = append(command.Env, strings.Join(pair[1], "")+"="+strings.Join(pair[2], ""))
		}
		var complaint bytes.Buffer
		command.Stderr = &complaint
		out, err := command.Output()
		if err != nil {
			return fmt.Errorf("%w: %s", err, complaint.String())
		}
		message := answer(string(out))
		return stream.SendMsg(&message)
	}
}

// fieldsOf are the texts of a message by their numbers; others are left out.
func fieldsOf(message []byte) map[protowire.Number][]string {
	fields := map[protowire.Number][]string{}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			break
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			break
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			fields[number] = append(fields[number], string(value))
		}
		message = message[n:]
	}
	return fields
}

func unpack(packed io.Reader, dir string) error {
	zipped, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	archive := tar.NewReader(zipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		target := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(target, 0o755)
		} else {
			var content []byte
			if content, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(target, content, 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
}

// asIs is a codec that leaves messages as they are.
type asIs struct{}

func (asIs) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (asIs) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}
func (asIs) Name() string { return "proto" }
