package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/archive"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render"
)

// localFolder is a folder with manifests on this machine, and that of the repository that it is in.
type localFolder struct{ path, root string }

// localManifests renders a folder of this machine as the application's source, in this process; Secrets are left out, as
// their values aren't to be compared here.
func (r *root) localManifests(ctx context.Context, c *client.Client, app *v1alpha1.Application, folder localFolder) ([]string, error) {
	tree, path, err := folder.tree()
	if err != nil {
		return nil, err
	}
	settings, err := client.Call(ctx, c, protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil {
		return nil, err
	}
	info, err := client.Call(ctx, c, protocol.ClusterGet, &protocol.ClusterQuery{Name: app.Spec.Destination.Name, Server: app.Spec.Destination.Server})
	if err != nil {
		return nil, err
	}
	renderer, err := render.New(render.Default())
	if err != nil {
		return nil, err
	}
	source := firstSource(app)
	source.Path, source.Chart = path, ""
	instance := object.InstanceName(app.Name, app.Namespace, settings.ControllerNamespace)
	result, err := renderer.Render(ctx, render.Request{
		Tree: render.FromArchive(tree, source.TargetRevision), Source: source, AppName: instance, Project: app.Spec.ProjectName(),
		DestinationNamespace: app.Spec.Destination.Namespace, KubeVersion: info.ServerVersion, APIVersions: info.Info.APIVersions,
	})
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", folder.path, err)
	}
	tracking := object.Tracking{
		Method: object.TrackingMethod(settings.TrackingMethod), Label: settings.AppLabelKey, InstallationID: settings.InstallationID,
	}
	var manifests []string
	for _, shared := range result.Objects {
		if kind := shared.GroupVersionKind(); kind.Group == "" && kind.Kind == "Secret" {
			r.note("Warning: Secret %s/%s is not supported in local diff and will be ignored", shared.GetNamespace(), shared.GetName())
			continue
		}
		u := shared.DeepCopy()
		object.Track(u, instance, app.Spec.Destination.Namespace, tracking)
		text, err := json.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("printing a manifest: %w", err)
		}
		manifests = append(manifests, string(text))
	}
	return manifests, nil
}

// tree reads the repository's folder, bounded as a chart's archive is, and tells where in it the manifests are. The root of
// the file system is no repository: then it is the folder itself.
func (f localFolder) tree() (*archive.Tree, string, error) {
	path, err := filepath.Abs(f.path)
	if err != nil {
		return nil, "", fmt.Errorf("finding %s: %w", f.path, err)
	}
	root, err := filepath.Abs(f.root)
	if err != nil {
		return nil, "", fmt.Errorf("finding %s: %w", f.root, err)
	}
	within, err := filepath.Rel(root, path)
	if root == string(filepath.Separator) || err != nil || strings.HasPrefix(within, "..") {
		root, within = path, "."
	}
	limits := archive.Default()
	packed, err := pack(root, limits.Bytes)
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", root, err)
	}
	digest := sha256.Sum256(packed)
	tree, err := archive.Unpack(bytes.NewReader(packed), hex.EncodeToString(digest[:]), limits)
	return tree, filepath.ToSlash(within), err
}

// pack puts the files of a folder into a tar archive, without those of Git.
func pack(dir string, most int64) ([]byte, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		case int64(packed.Len()) > most:
			return errors.New("it is too large; is it a repository?")
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size()}); err != nil {
			return err
		}
		file, err := root.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.CopyN(writer, file, info.Size())
		return err
	})
	return packed.Bytes(), errors.Join(err, writer.Close())
}
