// Package badge draws how an application or a project is, as a small picture for READMEs and dashboards. It is given the state and
// decides colours, texts and widths; who may have a badge, its caller decides. Start with Badge.
package badge

import (
	"fmt"
	"html/template"
	"io"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Badge is what is shown. Its zero value is a badge of a state that isn't known.
type Badge struct {
	Health argo.HealthStatusCode
	Sync   argo.SyncStatusCode
	// NotFound shows that there is no such application.
	NotFound bool
	// Title is a row of its own above; empty is none.
	Title string
	// Revision is shown as it is; empty is none.
	Revision string
	// Width is that of the picture in pixels; 0 is what its texts need.
	Width int
}

// shortRevision is how much of a revision is shown unless all of it was asked for, and wide what upstream's badges are.
const (
	shortRevision         = 7
	rowHeight             = 20
	leftWidth             = 77
	plainWidth            = 131
	withRevisionWidth     = 192
	withFullRevisionWidth = 400
	// charWidth is about that of a letter of the title.
	charWidth = 6
	maxWidth  = 4096
)

// Short is a revision as badges show it.
func Short(revision string) string { return revision[:min(len(revision), shortRevision)] }

// Colours that upstream's badges have, so that dashboards look alike.
const (
	blue, green, purple = "#103d66", "#0b612a", "#731f4d"
	orange, red, grey   = "#bd7300", "#a72e26", "#29343D"
)

var healthColours = map[argo.HealthStatusCode]string{
	argo.HealthStatusDegraded: red, argo.HealthStatusHealthy: green, argo.HealthStatusMissing: purple,
	argo.HealthStatusProgressing: blue, argo.HealthStatusSuspended: grey, argo.HealthStatusUnknown: purple,
}

var syncColours = map[argo.SyncStatusCode]string{
	argo.SyncStatusCodeSynced: green, argo.SyncStatusCodeOutOfSync: orange, argo.SyncStatusCodeUnknown: purple,
}

// box is a coloured rectangle with a text in its middle.
type box struct {
	ID, Fill, Text      string
	X, Y, Width, Height int
}

// Middle is where the text is centred, horizontally.
func (b box) Middle() int { return b.X + b.Width/2 }

// Baseline is where the text stands.
func (b box) Baseline() int { return b.Y + 14 }

// picture is what the template draws. html/template knows how to escape in SVG as it does in HTML.
var picture = template.Must(template.New("badge").Parse(
	`<svg width="{{.Width}}" height="{{.Height}}" xmlns="http://www.w3.org/2000/svg" role="img">` +
		`<clipPath id="corners"><rect width="100%" height="100%" rx="3"/></clipPath>` +
		`<g clip-path="url(#corners)" fill="#fff" text-anchor="middle" font-family="DejaVu Sans, sans-serif" font-size="10">` +
		`{{range .Boxes}}<rect id="{{.ID}}Rect" fill="{{.Fill}}" x="{{.X}}" y="{{.Y}}" width="{{.Width}}" height="{{.Height}}"/>` +
		`<text id="{{.ID}}Text" x="{{.Middle}}" y="{{.Baseline}}">{{.Text}}</text>{{end}}</g></svg>` + "\n"))

// Draw writes the badge as SVG.
func (b Badge) Draw(w io.Writer) error {
	boxes, width, height := b.layout()
	if err := picture.Execute(w, map[string]any{"Boxes": boxes, "Width": width, "Height": height}); err != nil {
		return fmt.Errorf("drawing a badge: %w", err)
	}
	return nil
}

func (b Badge) layout() (boxes []box, width, height int) {
	health, sync := b.Health, b.Sync
	if health == "" {
		health = argo.HealthStatusUnknown
	}
	if sync == "" {
		sync = argo.SyncStatusCodeUnknown
	}
	left := box{ID: "left", Fill: colour(healthColours, health), Text: string(health), Width: leftWidth, Height: rowHeight}
	right := box{ID: "right", Fill: colour(syncColours, sync), Text: string(sync), X: leftWidth, Height: rowHeight}
	width = plainWidth
	if b.NotFound {
		left.Text, right.Text, b.Revision, b.Title = "Not Found", "", "", ""
	}
	switch {
	case len(b.Revision) > shortRevision:
		width = withFullRevisionWidth
	case b.Revision != "":
		width = withRevisionWidth
	}
	if b.Width > 0 {
		width = min(b.Width, maxWidth)
	}
	height = rowHeight
	if b.Title != "" {
		width = max(width, min(len(b.Title)*charWidth, maxWidth))
		boxes = append(boxes, box{ID: "title", Fill: grey, Text: b.Title, Width: width, Height: rowHeight})
		left.Y, right.Y, height = rowHeight, rowHeight, 2*rowHeight
	}
	right.Width = max(width-leftWidth, 0)
	boxes = append(boxes, left)
	if b.Revision != "" {
		right.Width = plainWidth - leftWidth
		revision := box{ID: "revision", Fill: right.Fill, Text: "(" + b.Revision + ")", X: plainWidth, Y: right.Y, Width: max(width-plainWidth, 0), Height: rowHeight}
		return append(boxes, right, revision), width, height
	}
	return append(boxes, right), width, height
}

func colour[K comparable](of map[K]string, key K) string {
	if c, ok := of[key]; ok {
		return c
	}
	return grey
}

// OfApplication is how an application is.
func OfApplication(app *argo.Application) Badge {
	return Badge{Health: app.Status.Health.Status, Sync: app.Status.Sync.Status}
}

// SyncedRevision is what an application was last synced to: of several sources the first. Empty if it never was.
func SyncedRevision(app *argo.Application) string {
	state := app.Status.OperationState
	if state == nil || state.SyncResult == nil {
		return ""
	}
	if len(state.SyncResult.Revisions) > 0 {
		return state.SyncResult.Revisions[0]
	}
	return state.SyncResult.Revision
}

// OfApplications is how several are together: Healthy and Synced if each one is, otherwise Degraded or OutOfSync, and unknown
// if there is none.
func OfApplications(apps []*argo.Application) Badge {
	if len(apps) == 0 {
		return Badge{}
	}
	b := Badge{Health: argo.HealthStatusHealthy, Sync: argo.SyncStatusCodeSynced}
	for _, app := range apps {
		if app.Status.Health.Status != argo.HealthStatusHealthy {
			b.Health = argo.HealthStatusDegraded
		}
		if app.Status.Sync.Status != argo.SyncStatusCodeSynced {
			b.Sync = argo.SyncStatusCodeOutOfSync
		}
	}
	return b
}
