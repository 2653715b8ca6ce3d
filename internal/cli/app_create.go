package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

const (
	// maxManifest bounds a manifest read from a file, in bytes.
	maxManifest = 3 << 20
	// resourcesFinalizer makes a deletion take the application's objects along.
	resourcesFinalizer = "resources-finalizer.argocd.argoproj.io"
)

// appManifest is what an application is made of: a file, or flags, or both.
type appManifest struct {
	file, name, namespace string
	labels, annotations   []string
	finalizer             bool
	spec                  *appspec.Flags
	set                   *pflag.FlagSet
}

func (m *appManifest) flags(r *root, cmd *cobra.Command) {
	m.set = cmd.Flags()
	m.set.StringVarP(&m.file, "file", "f", "", "file or URL with the manifests of applications; - for standard input")
	m.set.StringVar(&m.name, "name", "", "name of the application, instead of APPNAME")
	m.set.StringVarP(&m.namespace, "app-namespace", "N", "", "namespace of the application; default: the hub's")
	m.set.StringArrayVarP(&m.labels, "label", "l", nil, "KEY=VALUE label; may be repeated")
	m.set.StringArrayVar(&m.annotations, "annotations", nil, "KEY=VALUE annotation; may be repeated")
	m.set.BoolVar(&m.finalizer, "set-finalizer", false, "let a deletion of the application take its objects along")
	m.spec = appspec.Add(m.set)
	m.spec.Read = r.readInput
}

// apps are the applications.
func (m *appManifest) apps(r *root, args []string) ([]*v1alpha1.Application, error) {
	apps, err := m.read(r, args)
	if err != nil {
		return nil, err
	}
	labels, err := appspec.Pairs(m.labels)
	if err != nil {
		return nil, &UsageError{err}
	}
	for _, app := range apps {
		if app.Name == "" {
			return nil, &UsageError{errors.New("app.Name is empty. --name argument can be used to provide app.Name")}
		}
		app.Namespace = firstOf(m.namespace, app.Namespace)
		if m.finalizer && !slices.Contains(app.Finalizers, resourcesFinalizer) {
			app.Finalizers = append(app.Finalizers, resourcesFinalizer)
		}
		for key, value := range labels {
			set(&app.Labels, key, value)
		}
		for _, annotation := range m.annotations {
			key, value, _ := strings.Cut(annotation, "=")
			set(&app.Annotations, key, value)
		}
		if app.Spec.HasSeveralSources() {
			continue // flags don't say which of them they mean
		}
		if err := m.spec.Set(&app.Spec, 0); err != nil {
			return nil, err
		}
		source, err := appspec.At(&app.Spec, 0)
		if err != nil {
			return nil, err
		}
		if err := m.spec.Parameters(source, app.Status.SourceType); err != nil {
			return nil, err
		}
	}
	return apps, nil
}

func set(to *map[string]string, key, value string) {
	if *to == nil {
		*to = map[string]string{}
	}
	(*to)[key] = value
}

// read is what the file holds, or one application with the name that is given.
func (m *appManifest) read(r *root, args []string) ([]*v1alpha1.Application, error) {
	if m.file == "" {
		app := &v1alpha1.Application{}
		app.Kind, app.APIVersion = "Application", v1alpha1.GroupVersion.String()
		ref := m.name
		if len(args) == 1 {
			if m.name != "" && m.name != args[0] {
				return nil, fmt.Errorf("--name argument '%s' does not match app name %s", m.name, args[0])
			}
			ref = args[0]
		}
		app.Namespace, app.Name = (&target{}).of(ref)
		return []*v1alpha1.Application{app}, nil
	}
	text, err := r.readInput(m.file)
	if err != nil {
		return nil, err
	}
	apps, err := documents[v1alpha1.Application](text)
	if err != nil {
		return nil, fmt.Errorf("reading application from %s: %w", m.file, err)
	}
	for _, app := range apps {
		if len(args) == 1 && m.file != "-" && args[0] != app.Name {
			return nil, fmt.Errorf("app name '%s' does not match app spec metadata.name '%s'", args[0], app.Name)
		}
		if m.file != "-" {
			app.Name = firstOf(m.name, app.Name)
		}
	}
	return apps, nil
}

// documents reads the objects of a text of YAML documents, or of JSON.
func documents[T any](text []byte) ([]*T, error) {
	var found []*T
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object := new(T)
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return nil, err
		}
		found = append(found, object)
	}
}

func newAppCreateCommand(r *root) *cobra.Command {
	manifest := &appManifest{}
	var upsert bool
	cmd := &cobra.Command{
		Use: "create APPNAME", Short: "Create an application from flags or a manifest", Args: cobra.MaximumNArgs(1),
		Example: `  fairlead app create guestbook --repo https://git.example.com/apps.git --path guestbook --dest-name dev --dest-namespace default
  fairlead app create guestbook --repo https://charts.example.com --helm-chart guestbook --revision 1.24.3 --helm-set replicas=2 --dest-name dev
  fairlead app create -f app.yaml
  cat app.yaml | fairlead app create -f - --upsert`,
	}
	manifest.flags(r, cmd)
	cmd.Flags().BoolVar(&upsert, "upsert", false, "update it if it exists and differs")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		apps, err := manifest.apps(r, args)
		if err != nil {
			return err
		}
		for _, app := range apps {
			request := &protocol.ApplicationCreateRequest{Application: app, Upsert: upsert, Validate: manifest.spec.Validate()}
			if err := r.createApp(ctx, c, request); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// createApp creates an application, and tells whether it was there before.
func (r *root) createApp(ctx context.Context, c *client.Client, request *protocol.ApplicationCreateRequest) error {
	before, err := client.Call(ctx, c, protocol.ApplicationGet,
		&protocol.ApplicationQuery{Name: request.Application.Name, AppNamespace: request.Application.Namespace})
	if code := connect.CodeOf(err); err != nil && code != connect.CodeNotFound && code != connect.CodePermissionDenied {
		return err
	}
	created, err := client.Call(ctx, c, protocol.ApplicationCreate, request)
	if err != nil {
		return err
	}
	what := "updated"
	switch {
	case before == nil:
		what = "created"
	case !request.Upsert || sameApp(before, created):
		what = "unchanged"
	}
	r.printf("application '%s' %s\n", created.Name, what)
	return nil
}

func sameApp(a, b *v1alpha1.Application) bool {
	one, other := a.DeepCopy(), b.DeepCopy()
	one.Spec.Project, other.Spec.Project = one.Spec.ProjectName(), other.Spec.ProjectName()
	return reflect.DeepEqual(one.Spec, other.Spec) && len(one.Labels) == len(other.Labels) && len(one.Annotations) == len(other.Annotations) &&
		(len(one.Labels) == 0 || reflect.DeepEqual(one.Labels, other.Labels)) &&
		(len(one.Annotations) == 0 || reflect.DeepEqual(one.Annotations, other.Annotations)) &&
		slices.Equal(one.Finalizers, other.Finalizers)
}

// readInput reads a file, a URL, or standard input for "-", up to a size.
func (r *root) readInput(file string) ([]byte, error) {
	var input io.Reader = r.streams.In
	switch {
	case strings.HasPrefix(file, "http://"), strings.HasPrefix(file, "https://"):
		response, err := (&http.Client{Timeout: probeTimeout}).Get(file) //nolint:noctx // it has a time of its own
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("reading %s: the answer is %s", file, response.Status)
		}
		input = response.Body
	case file != "-":
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
