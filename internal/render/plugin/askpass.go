package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// Login is what a plugin may log on to its source's repository with. The zero value is nothing.
type Login struct {
	Username, Password string
	// Header is an Authorization header that the host wants at once; empty means none.
	Header HeaderLogin
	// Keys, instead of the others, writes the key of a repository over SSH into a folder of the plugin's, and returns the
	// environment of a git that uses it.
	Keys func(dir string) (env []string, err error)
}

// HeaderLogin is an Authorization header, by the variable in which Argo CD's plugins look for it.
type HeaderLogin struct{ Variable, Value string }

// lender lets the git of plugins that may have them (provideGitCreds) ask for credentials while they are called: behind a Unix
// socket that their sidecars share, by Argo CD's protocol (gRPC service askpass.AskPassService). A plugin gets a word that
// stands for the credentials, so that they are in no environment and can't end in a manifest. argocd-git-ask-pass, in the
// sidecar, asks. Of a key, which ssh takes only as a file, there is one beside the socket while the plugin is called.
type lender struct {
	path string

	mu     sync.Mutex
	server *grpc.Server
	lent   map[string]Login
}

// lend makes a login available until back is called. Env tells the plugin how to ask.
func (l *lender) lend(login Login) (env []string, back func(), err error) {
	if login.Keys == nil && login.Username+login.Password+login.Header.Variable == "" {
		return nil, func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.listen(); err != nil {
		return nil, nil, fmt.Errorf("lending the repository's credentials to a plugin: %w", err)
	}
	word := rand.Text()
	if login.Keys != nil {
		return l.lendKeys(login.Keys, word)
	}
	l.lent[word] = login
	env = []string{
		"GIT_ASKPASS=argocd", "ARGOCD_BINARY_NAME=argocd-git-ask-pass", "GIT_TERMINAL_PROMPT=0",
		"ARGOCD_GIT_ASKPASS_NONCE=" + word, "ARGOCD_ASK_PASS_SOCK=" + l.path,
	}
	if login.Header.Variable != "" {
		env = append(env, login.Header.Variable+"="+login.Header.Value)
	}
	return env, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.lent, word)
	}, nil
}

// keyFolders is how the folders of lent keys are called.
const keyFolders = "argocd-git-ssh-"

func (l *lender) lendKeys(write func(dir string) ([]string, error), word string) (env []string, back func(), err error) {
	folder := filepath.Join(filepath.Dir(l.path), keyFolders+word)
	back = func() { _ = os.RemoveAll(folder) }
	if err = os.Mkdir(folder, 0o700); err == nil {
		env, err = write(folder)
	}
	if err != nil {
		back()
		return nil, nil, fmt.Errorf("lending the repository's key to a plugin: %w", err)
	}
	return append(env, "GIT_TERMINAL_PROMPT=0"), back, nil
}

// listen opens the socket the first time that somebody needs it; the caller holds mu.
func (l *lender) listen() error {
	if l.server != nil {
		return nil
	}
	// One that is there belongs to a hub that was killed.
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(l.path), keyFolders+"*"))
	for _, folder := range left {
		_ = os.RemoveAll(folder)
	}
	listener, err := net.Listen("unix", l.path)
	if err != nil {
		return err
	}
	if err := os.Chmod(l.path, 0o600); err != nil {
		return errors.Join(err, listener.Close())
	}
	l.lent = map[string]Login{}
	l.server = grpc.NewServer(grpc.ForceServerCodec(codec{}))
	l.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "askpass.AskPassService", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "GetCredentials", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var request loginRequest
			if err := decode(&request); err != nil {
				return nil, err
			}
			return l.credentials(request.word)
		}}},
	}, l)
	server := l.server
	go func() { _ = server.Serve(listener) }()
	return nil
}

func (l *lender) credentials(word string) (*loginResponse, error) {
	if word == "" {
		return nil, status.Error(codes.InvalidArgument, "missing nonce")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	login, ok := l.lent[word]
	if !ok {
		return nil, status.Error(codes.NotFound, "unknown nonce")
	}
	return &loginResponse{login.Username, login.Password}, nil
}

func (l *lender) close() {
	l.mu.Lock()
	server := l.server
	l.mu.Unlock()
	if server != nil {
		server.Stop() // which removes the socket
	}
}

// loginRequest is CredentialsRequest, loginResponse CredentialsResponse of Argo CD's util/askpass/askpass.proto.
type loginRequest struct{ word string }

func (r *loginRequest) marshal() []byte { return appendBytes(nil, 1, []byte(r.word)) }

func (r *loginRequest) unmarshal(number protowire.Number, value []byte) error {
	if number == 1 {
		r.word = string(value)
	}
	return nil
}

type loginResponse struct{ username, password string }

func (r *loginResponse) marshal() []byte {
	return appendBytes(appendBytes(nil, 1, []byte(r.username)), 2, []byte(r.password))
}

func (r *loginResponse) unmarshal(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		r.username = string(value)
	case 2:
		r.password = string(value)
	}
	return nil
}
