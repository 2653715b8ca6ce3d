package plugin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"fairlead.dev/fairlead/internal/protocol"
)

// sidecar is a plugin's server: it does what Argo CD's sidecar does with a ConfigManagementPlugin of these two commands.
type sidecar struct {
	t testing.TB
	// generate is a shell script that prints manifests; discover, if set, one that prints something if the folder is the
	// plugin's. Both run in the application's folder.
	generate, discover string
	// borrows is provideGitCreds of its plugin.yaml: the script has the login in $LOGIN then.
	borrows bool
	// asked is what the sidecar was last told to ask for a login.
	asked map[string]string
}

// serve starts the plugin behind <name>.sock, and ends it with the test.
func (s *sidecar) serve(dir, name string) {
	s.t.Helper()
	listener, err := net.Listen("unix", filepath.Join(dir, name+".sock"))
	if err != nil {
		s.t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(codec{}))
	stream := func(name string, handle func(*sidecar, string, *metadata) (message, error)) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, ClientStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			dir := s.t.TempDir()
			metadata, err := receive(stream, dir)
			if err != nil {
				return err
			}
			answer, err := handle(s, dir, metadata)
			if err != nil {
				return err
			}
			return stream.SendMsg(answer)
		}}
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "plugin.ConfigManagementPluginService", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{stream("GenerateManifest", (*sidecar).generated), stream("MatchRepository", (*sidecar).matched), stream("GetParametersAnnouncement", (*sidecar).announced)},
		Methods: []grpc.MethodDesc{{MethodName: "CheckPluginConfiguration", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return &configurationResponse{discovers: s.discover != "", borrows: s.borrows}, decode(&empty{})
		}}},
	}, s)
	done := make(chan struct{})
	go func() { server.Serve(listener); close(done) }()
	s.t.Cleanup(func() { server.Stop(); <-done })
}

func (s *sidecar) generated(dir string, m *metadata) (message, error) {
	s.asked = map[string]string{}
	for _, v := range m.env {
		s.asked[v.name] = v.value
	}
	login, err := s.askPass()
	if err != nil {
		return nil, err
	}
	m.env = append(m.env, variable{"LOGIN", login})
	text, err := s.run(s.generate, dir, m)
	if err != nil {
		return nil, fmt.Errorf("error generating manifests: `sh -c generate` failed %w", err)
	}
	return &manifestResponse{manifests: []string{text}}, nil
}

func (s *sidecar) matched(dir string, m *metadata) (message, error) {
	text, err := s.run(s.discover, dir, m)
	return &repositoryResponse{supported: text != ""}, err
}

// askPass does what argocd-git-ask-pass does when git asks; it gets nothing if nothing is lent.
func (s *sidecar) askPass() (string, error) {
	socket := s.asked["ARGOCD_ASK_PASS_SOCK"]
	if socket == "" {
		return "", nil
	}
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{})))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	var login loginResponse
	err = connection.Invoke(s.t.Context(), "/askpass.AskPassService/GetCredentials", &loginRequest{s.asked["ARGOCD_GIT_ASKPASS_NONCE"]}, &login)
	return login.username + ":" + login.password, err
}

// announced tells a parameter of which the default is the application's name.
func (s *sidecar) announced(_ string, m *metadata) (message, error) {
	var name string
	for _, v := range m.env {
		if v.name == "ARGOCD_APP_NAME" {
			name = v.value
		}
	}
	return &announcement{protocol.PluginAppSpec{ParametersAnnouncement: []*protocol.ParameterAnnouncement{
		{Name: "greeting", Title: "Greeting", Required: true, CollectionType: "string", String: name},
		{Name: "labels", CollectionType: "map", Map: map[string]string{"a": "b"}},
	}}}, nil
}

func (s *sidecar) run(script, dir string, m *metadata) (string, error) {
	command := exec.Command("sh", "-c", script)
	command.Dir = filepath.Join(dir, m.appRelPath)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, v := range m.env {
		command.Env = append(command.Env, v.name+"="+v.value)
	}
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return string(out), err
}

// receive unpacks what is sent, as Argo CD's sidecar does: it checks the checksum, and makes no folders of its own.
func receive(stream grpc.ServerStream, dir string) (*metadata, error) {
	var first streamRequest
	if err := stream.RecvMsg(&first); err != nil || first.metadata == nil {
		return nil, fmt.Errorf("error getting stream metadata: %w", err)
	}
	var content bytes.Buffer
	for {
		var part streamRequest
		err := stream.RecvMsg(&part)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		content.Write(part.chunk)
	}
	if sum := sha256.Sum256(content.Bytes()); hex.EncodeToString(sum[:]) != first.metadata.checksum || int64(content.Len()) != first.metadata.size {
		return nil, errors.New("file checksum validation error")
	}
	zipped, err := gzip.NewReader(&content)
	if err != nil {
		return nil, err
	}
	return first.metadata, untar(tar.NewReader(zipped), dir)
}

func untar(archive *tar.Reader, dir string) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		target := filepath.Join(dir, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(target, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(header.Linkname, target)
		default:
			var content []byte
			if content, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(target, content, os.FileMode(header.Mode))
			}
		}
		if err != nil {
			return err
		}
	}
}

// listenWithoutAnswer takes connections and says nothing.
func listenWithoutAnswer(t testing.TB, dir, name string) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(dir, name+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
}
