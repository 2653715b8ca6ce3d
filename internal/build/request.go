package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// The stages of a build, in order. Their names are those that users of registry builds know.
const (
	StageClone = "GIT_CLONE"
	StageBuild = "BUILD"
	StagePush  = "PUSH"
)

// Request is one image to be built, with everything that a builder needs.
type Request struct {
	// Source is the repository at the commit. Symbolic links are listed as such; fs.ReadLinkFS tells where they lead.
	Source fs.FS
	// SourceKey names the origin of Source, so that the builder can transfer only what changed since the last build.
	SourceKey string
	// Context and Dockerfile are paths in Source, as [Paths] gives them.
	Context, Dockerfile string
	// Target is a stage of the Dockerfile; empty means the last.
	Target string
	// Images are the references to push, at least one.
	Images []string
	Args   map[string]string
	// Platforms such as linux/amd64; empty means the builder's own.
	Platforms []string
	NoCache   bool
	// Labels are put on the image.
	Labels map[string]string
	// Time becomes the image's time of creation, so that the same commit gives the same image; zero means now.
	Time time.Time
	// Log receives the output as lines of text.
	Log io.Writer
	// Stage, if not nil, is told when a stage begins.
	Stage func(stage string)
}

// Result is a pushed image.
type Result struct {
	// Digest is that of the manifest, or of the index where there are several platforms.
	Digest string
}

// What a build needs and can't reach; trying again may help.
var (
	// ErrBuilderUnavailable means that the builder doesn't answer, or went away during the build.
	ErrBuilderUnavailable = errors.New("the builder can't be reached")
	// ErrRegistryUnavailable means that a registry doesn't answer, or answers with an error of its own (5xx).
	ErrRegistryUnavailable = errors.New("the registry can't be reached")
)

// Failure is a build that can't succeed without a change to its source, arguments or registry.
type Failure struct {
	// Reason is one line.
	Reason string
	// Where is the place in the Dockerfile, such as "Dockerfile:7: RUN go build .". It may be empty.
	Where string
	// Output are the last lines that the failing step printed. It may be empty.
	Output string
}

func (f *Failure) Error() string {
	text := f.Reason
	if f.Where != "" {
		text = fmt.Sprintf("%s: %s", f.Where, text)
	}
	if f.Output != "" {
		text += "\n" + f.Output
	}
	return text
}
