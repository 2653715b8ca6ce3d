package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/render/manifest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Options are how a Client works. Start from Default.
type Options struct {
	// Sockets is the folder of the plugins' sockets, each named <plugin>.sock or <plugin>-<version>.sock.
	Sockets string
	// Timeout bounds each call of a plugin, the upload included.
	Timeout time.Duration
	// Parallel bounds the calls at one time.
	Parallel int
	// MaxUpload bounds the files that are sent, before compression, in bytes; MaxAnswer bounds the manifests that come back.
	MaxUpload, MaxAnswer int64
	// Exclude are patterns (path.Match) of paths in the repository that plugins don't get.
	Exclude []string
	// AskPass is the socket at which the git of plugins that may have them asks for the credentials of the source's repository;
	// their sidecars must see it under the same path.
	AskPass string
}

// Default returns the options that suit a hub.
func Default() Options {
	return Options{
		// Where Argo CD's sidecars are told to put them.
		Sockets: "/home/argocd/cmp-server/plugins",
		// Argo CD's default for a command of a plugin.
		Timeout: 90 * time.Second,
		// Each may hold an archive in memory.
		Parallel: 4,
		// The sources of a large monorepo without its binaries.
		MaxUpload: 128 << 20,
		// Argo CD's default bound of a gRPC message is 100 MB; the largest applications have a tenth of this.
		MaxAnswer: 32 << 20,
		// Where Argo CD's sidecars look for it, unless ARGOCD_ASK_PASS_SOCK tells them another place.
		AskPass: "/tmp/reposerver-ask-pass.sock",
	}
}

// Validate tells the first option that can't be.
func (o Options) Validate() error {
	switch {
	case o.Timeout <= 0:
		return errors.New("the time limit for plugins must be positive")
	case o.Parallel <= 0:
		return errors.New("the number of parallel calls of plugins must be positive")
	case o.MaxUpload <= 0 || o.MaxAnswer <= 0:
		return errors.New("the size limits for plugins must be positive")
	}
	for _, pattern := range o.Exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q is not a pattern of files that plugins don't get: %w", pattern, err)
		}
	}
	return nil
}

// Client calls plugins. It is safe for concurrent use.
type Client struct {
	options Options
	slots   chan struct{}
	lender  lender
}

// New makes a client. Close it when done.
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	return &Client{options: options, slots: make(chan struct{}, options.Parallel), lender: lender{path: options.AskPass}}, nil
}

// Close ends the lending of credentials.
func (c *Client) Close() { c.lender.close() }

// Input is what a plugin gets.
type Input struct {
	// Files is the repository. Upload is the folder of it that is sent, and Root the application's, which is in it; both "."
	// for everything.
	Files        fs.FS
	Upload, Root string
	// Env are variables, each NAME=value.
	Env []string
	// Login finds what the plugin may log on to the repository with, if it asks for that (provideGitCreds in its plugin.yaml);
	// nil means nothing.
	Login func(context.Context) (Login, error)
}

// Generate has the named plugin render the input. With no name it is the plugin that says that the application's folder is
// its own.
func (c *Client) Generate(ctx context.Context, name string, input Input) ([]*unstructured.Unstructured, error) {
	var response manifestResponse
	socket, err := c.ask(ctx, question{
		method: methodGenerate, choosing: "plugin sidecar failed. ", asking: "plugin sidecar failed. error generating manifests in cmp: ", lends: true,
	}, name, input, &response)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for i, text := range response.manifests {
		parsed, err := manifest.Parse(fmt.Sprintf("manifest %d of plugin %s", i+1, pluginName(socket)), []byte(text))
		if err != nil {
			return nil, err
		}
		objects = append(objects, parsed...)
	}
	return objects, nil
}

// question is a call of a plugin about an input, and what failures are told under: that none could be chosen, and that the
// chosen one failed.
type question struct {
	method, choosing, asking string
	// lends says that the plugin may have the credentials of the repository.
	lends bool
}

// ask puts a question to the named plugin, or the one whose own the input is, and says which that was.
func (c *Client) ask(ctx context.Context, q question, name string, input Input, answer message) (socket string, err error) {
	release, ctx, err := c.begin(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	upload, err := c.pack(input)
	if err != nil {
		return "", err
	}
	socket, borrows, err := c.choose(ctx, name, upload)
	if err != nil {
		return "", fmt.Errorf("%s%w", q.choosing, err)
	}
	if q.lends && borrows && input.Login != nil {
		back, err := c.lend(ctx, input, upload)
		if err != nil {
			return "", err
		}
		defer back()
	}
	connection, err := c.dial(socket)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if err := upload.send(ctx, connection, q.method, answer); err != nil {
		return "", fmt.Errorf("%s%w", q.asking, c.explain(ctx, err))
	}
	return socket, nil
}

// Any tells whether there are plugins.
func (c *Client) Any() bool {
	sockets, err := c.sockets()
	return err != nil || len(sockets) > 0
}

// Match tells whether a plugin that looks for its folders says that the input's is one. The plugin gets the application's
// folder alone, so that the answer holds for as long as that folder is the same.
func (c *Client) Match(ctx context.Context, input Input) (bool, error) {
	sockets, err := c.sockets()
	if err != nil || len(sockets) == 0 {
		return false, err
	}
	release, ctx, err := c.begin(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	input.Upload = input.Root
	upload, err := c.pack(input)
	if err != nil {
		return false, err
	}
	for _, socket := range sockets {
		if matches, _, err := c.matches(ctx, socket, upload, false); matches || err != nil {
			return matches, err
		}
	}
	return false, nil
}

// begin waits for a place and starts the clock.
func (c *Client) begin(ctx context.Context) (func(), context.Context, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("waiting for a plugin: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, c.late())
	return func() { cancel(); <-c.slots }, ctx, nil
}

// name is what a plugin may be called: the name of an object, with a version.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,250}$`)

// choose finds the socket of the plugin for the files, and whether it wants the repository's credentials.
func (c *Client) choose(ctx context.Context, name string, upload *upload) (socket string, borrows bool, err error) {
	if name != "" {
		missing := fmt.Errorf("couldn't find cmp-server plugin with name %q supporting the given repository", name)
		if !validName.MatchString(name) {
			return "", false, missing
		}
		socket := filepath.Join(c.options.Sockets, name+".sock")
		if _, err := os.Stat(socket); err != nil {
			return "", false, fmt.Errorf("%w: there is no %s", missing, socket)
		}
		matches, borrows, err := c.matches(ctx, socket, upload, true)
		if err != nil {
			return "", false, fmt.Errorf("%w: %w", missing, err)
		}
		if !matches {
			return "", false, fmt.Errorf("%w: it finds nothing of its own in %s", missing, upload.root)
		}
		return socket, borrows, nil
	}
	sockets, err := c.sockets()
	if err != nil {
		return "", false, err
	}
	for _, socket := range sockets {
		if matches, borrows, err := c.matches(ctx, socket, upload, false); err != nil {
			return "", false, err
		} else if matches {
			return socket, borrows, nil
		}
	}
	return "", false, errors.New("could not find plugin supporting the given repository")
}

// lend adds to an upload what its plugin needs to log on to the repository, until back is called.
func (c *Client) lend(ctx context.Context, input Input, upload *upload) (back func(), err error) {
	login, err := input.Login(ctx)
	if err != nil {
		return nil, err
	}
	env, back, err := c.lender.lend(login)
	upload.metadata.env = append(upload.metadata.env, variables(env)...)
	return back, err
}

// sockets lists the plugins.
func (c *Client) sockets() ([]string, error) {
	entries, err := os.ReadDir(c.options.Sockets)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to list all plugins in dir: %w", err)
	}
	var sockets []string
	for _, entry := range entries {
		if entry.Type() == fs.ModeSocket && strings.HasSuffix(entry.Name(), ".sock") {
			sockets = append(sockets, filepath.Join(c.options.Sockets, entry.Name()))
		}
	}
	slices.Sort(sockets)
	return sockets, nil
}

// Names are those of the plugins whose sockets are there.
func (c *Client) Names(context.Context) ([]string, error) {
	sockets, err := c.sockets()
	names := make([]string, len(sockets))
	for i, socket := range sockets {
		names[i] = pluginName(socket)
	}
	return names, err
}

// matches asks a plugin whether the files are for it. One that has no way to tell takes what names it, and nothing else. Borrows says
// that it wants the credentials of the repository.
func (c *Client) matches(ctx context.Context, socket string, upload *upload, named bool) (matches, borrows bool, err error) {
	connection, err := c.dial(socket)
	if err != nil {
		return false, false, err
	}
	defer connection.Close()
	var configuration configurationResponse
	if err := connection.Invoke(ctx, methodConfiguration, &empty{}, &configuration); err != nil {
		return false, false, fmt.Errorf("asking plugin %s for its configuration: %w", pluginName(socket), c.explain(ctx, err))
	}
	if !configuration.discovers {
		return named, configuration.borrows, nil
	}
	var response repositoryResponse
	if err := upload.send(ctx, connection, methodMatch, &response); err != nil {
		return false, false, fmt.Errorf("asking plugin %s whether %s is its own: %w", pluginName(socket), upload.root, c.explain(ctx, err))
	}
	return response.supported, configuration.borrows, nil
}

func (c *Client) dial(socket string) (*grpc.ClientConn, error) {
	connection, err := grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(int(c.options.MaxAnswer))))
	if err != nil {
		return nil, fmt.Errorf("connecting to plugin %s: %w", pluginName(socket), err)
	}
	return connection, nil
}

// explain puts the reason for the end of a call in the place of gRPC's word for it.
func (c *Client) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// The plugin has the same deadline, and may notice it first.
	if status.Code(err) == codes.DeadlineExceeded {
		return c.late()
	}
	return err
}

func (c *Client) late() error { return fmt.Errorf("no answer after %s", c.options.Timeout) }

func pluginName(socket string) string { return strings.TrimSuffix(filepath.Base(socket), ".sock") }
