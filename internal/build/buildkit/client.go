package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/name"
	bk "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/tonistiigi/fsutil"

	"fairlead.dev/fairlead/internal/build"
)

// Options configure a [Client].
type Options struct {
	// Address is the daemon's: unix:///path, or tcp://host:port. Required.
	Address string
	// TLS is for tcp addresses. All fields empty: no TLS.
	TLS TLS
	// PlainHTTP are registries, host:port, that are pushed to without TLS, besides those on this machine.
	PlainHTTP []string
	// Credentials tells how to log on to a registry, for an image repository such as registry.example.com/team/app or,
	// where the image isn't known, the registry's host. Nil, or empty strings: anonymously.
	Credentials func(ctx context.Context, repository string) (username, password string, err error)
	// Logger receives what isn't of a single build. Nil: slog.Default().
	Logger *slog.Logger
}

// TLS are paths of PEM files and the name that the daemon's certificate must have.
type TLS struct {
	CA, Certificate, Key, ServerName string
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	u, err := url.Parse(o.Address)
	if err != nil || (u.Scheme != "unix" && u.Scheme != "tcp") || u.Host+u.Path == "" {
		return fmt.Errorf("checking the builder's address %q: it must be like unix:///run/buildkit/buildkitd.sock or tcp://host:1234", o.Address)
	}
	if (o.TLS.Certificate == "") != (o.TLS.Key == "") {
		return errors.New("checking the builder's TLS files: certificate and key come together")
	}
	return nil
}

// Client builds with one daemon. It is safe for concurrent use, and connects when it is needed.
type Client struct {
	options Options
}

// New makes a client. It doesn't connect; the only errors are those of the options.
func New(options Options) (*Client, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Client{options: options}, nil
}

// connect makes a connection of its own for each build: it costs a millisecond, and no state of a daemon that was
// restarted lingers.
func (c *Client) connect(ctx context.Context) (*bk.Client, error) {
	var opts []bk.ClientOpt
	if t := c.options.TLS; t != (TLS{}) {
		opts = append(opts, bk.WithServerConfig(t.ServerName, t.CA))
		if t.Certificate != "" {
			opts = append(opts, bk.WithCredentials(t.Certificate, t.Key))
		}
	}
	return bk.New(ctx, c.options.Address, opts...)
}

// Ready tells whether the daemon answers; the error is a build.ErrBuilderUnavailable.
func (c *Client) Ready(ctx context.Context) error {
	daemon, err := c.connect(ctx)
	if err != nil {
		return unavailable(c.options.Address, err)
	}
	defer daemon.Close()
	if _, err := daemon.Info(ctx); err != nil {
		return unavailable(c.options.Address, err)
	}
	return nil
}

// Build builds an image and pushes it. The error is a *build.Failure where trying again doesn't help, and a
// build.ErrBuilderUnavailable where it does; if ctx ends, it is the cause of that.
func (c *Client) Build(ctx context.Context, request build.Request) (build.Result, error) {
	options, err := c.solveOptions(request)
	if err != nil {
		return build.Result{}, err
	}
	// Asked before, because a daemon that is down would else only show as a failed build.
	if err := c.Ready(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return build.Result{}, cause
		}
		return build.Result{}, err
	}
	daemon, err := c.connect(ctx)
	if err != nil {
		return build.Result{}, unavailable(c.options.Address, err)
	}
	defer daemon.Close()

	updates := make(chan *bk.SolveStatus)
	printer := newPrinter(request.Log, request.Stage)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for update := range updates {
			printer.print(update)
		}
	}()
	response, err := daemon.Solve(ctx, nil, options, updates)
	<-printed
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return build.Result{}, cause
		}
		return build.Result{}, explain(err, printer, c.options.Address)
	}
	digest := response.ExporterResponse[exptypes.ExporterImageDigestKey]
	if digest == "" {
		return build.Result{}, errors.New("building the image: the builder didn't tell the digest of what it pushed")
	}
	return build.Result{Digest: digest}, nil
}

// solveOptions translates a request.
func (c *Client) solveOptions(request build.Request) (bk.SolveOpt, error) {
	contextFS, err := fs.Sub(request.Source, request.Context)
	if err != nil {
		return bk.SolveOpt{}, &build.Failure{Reason: fmt.Sprintf("the context %q: %v", request.Context, err)}
	}
	if info, err := fs.Stat(request.Source, request.Context); err != nil || !info.IsDir() {
		return bk.SolveOpt{}, &build.Failure{Reason: fmt.Sprintf("the repository has no folder %q at this commit: correct spec.source.context of the rule", request.Context)}
	}
	folder, file := path.Split(request.Dockerfile)
	dockerfileFS, err := fs.Sub(request.Source, path.Clean("./"+folder))
	if err != nil {
		return bk.SolveOpt{}, &build.Failure{Reason: fmt.Sprintf("the Dockerfile %q: %v", request.Dockerfile, err)}
	}
	dockerfile, err := head(dockerfileFS, file)
	if errors.Is(err, fs.ErrNotExist) {
		return bk.SolveOpt{}, &build.Failure{Reason: fmt.Sprintf("the repository has no Dockerfile %q at this commit: add it, or correct spec.source.dockerfile of the rule", request.Dockerfile)}
	} else if err != nil {
		return bk.SolveOpt{}, fmt.Errorf("reading the Dockerfile %q: %w", request.Dockerfile, err)
	}
	plain, err := c.plainHTTP(request.Images)
	if err != nil {
		return bk.SolveOpt{}, &build.Failure{Reason: err.Error()}
	}
	export := map[string]string{
		string(exptypes.OptKeyName): strings.Join(request.Images, ","),
		string(exptypes.OptKeyPush): "true",
		// OCI's own types, which say what they are; every registry of today takes them.
		string(exptypes.OptKeyOCITypes): "true",
	}
	if plain {
		export[string(exptypes.OptKeyInsecure)] = "true"
	}
	return bk.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: frontendAttrs(request, file, dockerfile),
		LocalMounts:   map[string]fsutil.FS{"context": &files{fsys: contextFS}, "dockerfile": &files{fsys: dockerfileFS}},
		SharedKey:     "fairlead:" + request.SourceKey + ":" + request.Context + ":" + folder,
		Exports:       []bk.ExportEntry{{Type: bk.ExporterImage, Attrs: export}},
		Session:       []session.Attachable{c.auth(request)},
	}, nil
}

// frontendAttrs are the options of BuildKit's Dockerfile frontend.
func frontendAttrs(request build.Request, file string, dockerfile []byte) map[string]string {
	attrs := map[string]string{"filename": file}
	if request.Target != "" {
		attrs["target"] = request.Target
	}
	if len(request.Platforms) > 0 {
		attrs["platform"] = strings.Join(request.Platforms, ",")
	}
	if request.NoCache {
		attrs["no-cache"] = "" // empty means all stages
	}
	for key, value := range request.Labels {
		attrs["label:"+key] = value
	}
	if !request.Time.IsZero() {
		attrs["build-arg:SOURCE_DATE_EPOCH"] = strconv.FormatInt(request.Time.Unix(), 10)
	}
	for key, value := range request.Args {
		attrs["build-arg:"+key] = value
	}
	if syntax, cmdline, _, ok := parser.DetectSyntax(dockerfile); ok && builtIn(syntax) {
		// The line "# syntax=docker/dockerfile:1" asks for the same frontend as an image from Docker Hub. The daemon's own
		// is as new as Fairlead; taking it saves a download at each build, and works where there is no internet. It
		// doesn't look for the line if it is told that somebody has.
		attrs["cmdline"] = cmdline
	}
	return attrs
}

// builtIn tells whether a syntax is the stable one that the daemon brings along.
func builtIn(syntax string) bool {
	image, tag, _ := strings.Cut(syntax, ":")
	image = strings.TrimPrefix(image, "docker.io/")
	return image == "docker/dockerfile" && !strings.Contains(tag, "labs") && !strings.Contains(tag, "@")
}

// plainHTTP tells whether the images are pushed without TLS. BuildKit has one switch for all of them.
func (c *Client) plainHTTP(images []string) (bool, error) {
	var plain, secure bool
	for _, image := range images {
		reference, err := name.ParseReference(image)
		if err != nil {
			return false, fmt.Errorf("the image %q: %w", image, err)
		}
		if PlainHTTP(c.options.PlainHTTP, reference.Context().RegistryStr()) {
			plain = true
		} else {
			secure = true
		}
	}
	if plain && secure {
		return false, errors.New("one build can't push to a registry with TLS and one without: use two rules")
	}
	return plain, nil
}

// auth answers the daemon's questions for credentials.
func (c *Client) auth(request build.Request) session.Attachable {
	repositories := map[string]string{}
	for _, image := range request.Images {
		if reference, err := name.ParseReference(image); err == nil {
			repositories[reference.Context().RegistryStr()] = reference.Context().Name()
		}
	}
	lookUp := func(ctx context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		if c.options.Credentials == nil {
			return types.AuthConfig{}, nil
		}
		if host == authprovider.DockerHubRegistryHost || host == authprovider.DockerHubConfigfileKey {
			host = name.DefaultRegistry
		}
		repository := host
		if own, ok := repositories[host]; ok {
			repository = own
		}
		username, password, err := c.options.Credentials(ctx, repository)
		if err != nil {
			return types.AuthConfig{}, fmt.Errorf("looking up the credentials of %s: %w", host, err)
		}
		return types.AuthConfig{ServerAddress: host, Username: username, Password: password}, nil
	}
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: lookUp})
}
