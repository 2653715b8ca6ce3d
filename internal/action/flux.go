package action

var fluxSuspend = []builtin{
	{name: "suspend", offer: disabledIf(suspended), change: suspend},
	{name: "resume", offer: disabledIf(not(suspended)), change: resume},
}

var fluxReconcile = append([]builtin{{
	name: "reconcile", offer: disabledIf(suspended),
	change: stamp("By Argo CD at: ", "2006-01-02T15:04:05", annotation("reconcile.fluxcd.io/requestedAt")...),
}}, fluxSuspend...)

// flux are the actions of Flux's kinds.
var flux = map[string][]builtin{
	"helm.toolkit.fluxcd.io/HelmRelease":            fluxReconcile,
	"image.toolkit.fluxcd.io/ImageRepository":       fluxReconcile,
	"image.toolkit.fluxcd.io/ImageUpdateAutomation": fluxReconcile,
	"kustomize.toolkit.fluxcd.io/Kustomization":     fluxReconcile,
	"notification.toolkit.fluxcd.io/Alert":          fluxSuspend,
	"notification.toolkit.fluxcd.io/Provider":       fluxSuspend,
	"notification.toolkit.fluxcd.io/Receiver":       fluxReconcile,
	"source.toolkit.fluxcd.io/Bucket":               fluxReconcile,
	"source.toolkit.fluxcd.io/GitRepository":        fluxReconcile,
	"source.toolkit.fluxcd.io/HelmChart":            fluxReconcile,
	"source.toolkit.fluxcd.io/HelmRepository":       fluxReconcile,
	"source.toolkit.fluxcd.io/OCIRepository":        fluxReconcile,
}
