package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/githost"
	"fairlead.dev/fairlead/internal/hook"
	"fairlead.dev/fairlead/internal/local/node"
	"fairlead.dev/fairlead/internal/registry"
)

// RunGit serves the Git host of the fleet in the folder until ctx ends.
func RunGit(ctx context.Context, dir string, log *slog.Logger) error {
	f, err := open(dir, Tools{})
	if err != nil {
		return err
	}
	listener, err := f.listen(ctx, f.State.Ports.Git)
	if err != nil {
		return fmt.Errorf("starting the Git host: %w", err)
	}
	o := githost.Default()
	o.Dir, o.Listener, o.Logger = f.path("git"), listener, log
	o.URL = f.Endpoints().Git
	o.Users = basicauth.Users{gitUser: f.State.GitPassword}
	o.AnonymousRead = true
	o.Hooks = f.hooks()
	return githost.Run(ctx, o)
}

// RunRegistry serves the registry of the fleet in the folder until ctx ends. It is open to everyone who reaches it:
// this machine and its pods.
func RunRegistry(ctx context.Context, dir string, log *slog.Logger) error {
	o, err := registryOptions(ctx, dir, log)
	if err != nil {
		return err
	}
	return registry.Run(ctx, o)
}

func registryOptions(ctx context.Context, dir string, log *slog.Logger) (registry.Options, error) {
	o := registry.Default()
	f, err := open(dir, Tools{})
	if err != nil {
		return o, err
	}
	if o.Listener, err = f.listen(ctx, f.State.Ports.Registry); err != nil {
		return o, fmt.Errorf("starting the registry: %w", err)
	}
	o.Dir, o.Logger = f.path("registry"), log
	o.URL = "http://" + f.RegistryName()
	o.AnonymousRead, o.AnonymousWrite = true, true
	o.Mirrors = []string{"docker.io"}
	o.Hooks = f.hooks()
	if o.BaseImages, err = registry.FindBaseImages(ctx); err != nil {
		log.Warn("there are no base images for a machine without internet", "err", err)
	}
	return o, nil
}

// hooks tell the hub of pushes and images.
func (f *Fleet) hooks() []hook.Endpoint {
	return []hook.Endpoint{{URL: f.Endpoints().Hub + "/api/webhook", Secret: f.State.HookSecret}}
}

// EnterNode makes a node out of the namespaces that this process was started in, and goes on as RunNode. The machine's
// network namespace is file descriptor 3.
func EnterNode(specFile string) error {
	spec, err := node.Load(specFile)
	if err != nil {
		return err
	}
	machine := os.NewFile(3, "machine's network namespace")
	if machine == nil {
		return errors.New("a node is started by `fairlead local up` only")
	}
	return node.Enter(spec, machine, "local", "run", "node-programs")
}

// RunNode keeps the programs of a node running, inside it, until ctx ends.
func RunNode(ctx context.Context, specFile string, log *slog.Logger) error {
	spec, err := node.Load(specFile)
	if err != nil {
		return err
	}
	return node.Run(ctx, spec, log)
}

// listen listens on the loopback address and on the fleet's bridge.
func (f *Fleet) listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp", loopback(port))
	if err != nil || !f.State.Nodes {
		return first, err
	}
	second, err := config.Listen(ctx, "tcp", hostPort(f.machine(), port))
	if err != nil {
		return nil, errors.Join(err, first.Close())
	}
	return join(first, second), nil
}
