package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// maxManifest bounds a manifest read from a file, in bytes.
const maxManifest = 3 << 20

func newAppCreateCommand(r *root) *cobra.Command {
	var file string
	var upsert bool
	cmd := &cobra.Command{
		Use: "create -f FILE", Short: "Create an application from a manifest", Args: exactArgs(),
		Example: "  fairlead app create -f app.yaml\n  cat app.yaml | fairlead app create -f - --upsert",
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the manifest; - for standard input")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "update it if it exists")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		if file == "" {
			return &UsageError{errors.New("no manifest: give -f FILE")}
		}
		text, err := r.readInput(file)
		if err != nil {
			return err
		}
		app := &v1alpha1.Application{}
		if err := yaml.UnmarshalStrict(text, app); err != nil {
			return fmt.Errorf("reading application from %s: %w", file, err)
		}
		created, err := client.Call(ctx, c, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: app, Upsert: upsert})
		if err != nil {
			return err
		}
		r.printf("application '%s' created\n", created.Name)
		return nil
	})
	return cmd
}

// readInput reads a file, or standard input for "-", up to a size.
func (r *root) readInput(file string) ([]byte, error) {
	input := r.streams.In
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading manifest: %w", err)
		}
		defer opened.Close()
		input = opened
	}
	text, err := io.ReadAll(io.LimitReader(input, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", file, err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("reading manifest %s: it is larger than %d bytes", file, maxManifest)
	}
	return text, nil
}
