package build

import (
	"fmt"
	"path"
	"strings"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// Paths are the context folder and the Dockerfile of a source, both relative to the repository's root and clean ("." is
// the root). A path that leads out of the repository is an error.
func Paths(source v1alpha1.BuildSource) (context, dockerfile string, err error) {
	context = path.Clean("/" + source.Context)[1:]
	if context == "" {
		context = "."
	}
	if escapes(source.Context) {
		return "", "", fmt.Errorf("the context %q leads out of the repository", source.Context)
	}
	file := source.Dockerfile
	if file == "" {
		file = "Dockerfile"
	}
	dockerfile = path.Join(context, file)
	if escapes(dockerfile) || dockerfile == "." || strings.HasPrefix(file, "/") {
		return "", "", fmt.Errorf("the Dockerfile %q, which is relative to the context, leads out of the repository", file)
	}
	return context, dockerfile, nil
}

func escapes(p string) bool {
	p = path.Clean(p)
	return p == ".." || strings.HasPrefix(p, "../")
}
