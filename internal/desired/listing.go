package desired

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render"
)

// maxListed bounds the entries of a repository that are looked at for applications.
const maxListed = 200_000

// Apps finds the folders of a Git repository that could be applications, at the source's target: those of charts and of
// kustomizations, with what they are. Plain manifests don't tell.
func (s *Source) Apps(ctx context.Context, project string, source v1alpha1.ApplicationSource) (map[string]string, error) {
	if source.IsOCI() {
		return nil, errors.New("only Git repositories can be looked through for applications")
	}
	tree, err := s.treeAt(ctx, project, source, source.TargetRevision)
	if err != nil {
		return nil, err
	}
	apps, seen := map[string]string{}, 0
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxListed {
			return fmt.Errorf("the repository has more than %d files and folders", maxListed)
		}
		if entry.IsDir() {
			return ctx.Err()
		}
		if is := render.TypeByFile(entry.Name()); is != "" {
			apps[path.Dir(name)] = string(is)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for applications: %w", err)
	}
	return apps, nil
}

// Details tells what can be set of a source. Others are the application's sources, to which it may refer.
func (s *Source) Details(ctx context.Context, project, instance string, source v1alpha1.ApplicationSource, others v1alpha1.ApplicationSources) (*protocol.RepoAppDetailsResponse, error) {
	tree, err := s.treeAt(ctx, project, source, source.TargetRevision)
	if err != nil {
		return nil, err
	}
	request := render.Request{
		Tree: tree, Refs: map[string]render.Tree{}, Source: source, AppName: instance, Project: project, Network: s.network(project, source, false),
	}
	for _, other := range others {
		if other.Ref == "" || !refersTo(source, other.Ref) {
			continue
		}
		if request.Refs[other.Ref], err = s.treeAt(ctx, project, other, other.TargetRevision); err != nil {
			return nil, fmt.Errorf("reading the source %q: %w", other.Ref, err)
		}
	}
	if s.settings != nil {
		if request.Settings, err = s.settings(ctx); err != nil {
			return nil, err
		}
	}
	return s.renderer.Details(ctx, request)
}

// refersTo tells whether value files of a source are in the one with that ref.
func refersTo(source v1alpha1.ApplicationSource, ref string) bool {
	if source.Helm == nil {
		return false
	}
	for _, file := range source.Helm.ValueFiles {
		if strings.HasPrefix(file, "$"+ref+"/") {
			return true
		}
	}
	return false
}
