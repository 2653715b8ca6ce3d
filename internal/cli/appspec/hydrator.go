package appspec

import "fairlead.dev/fairlead/api/argo/v1alpha1"

type hydrator = v1alpha1.SourceHydrator

func hydratorOptions() []option[hydrator] {
	field := func(name, usage string, at func(*hydrator) *string) option[hydrator] {
		return text(name, usage, func(h *hydrator, v string) error { *at(h) = v; return nil })
	}
	return []option[hydrator]{
		field("dry-source-repo", "URL of the repository that is rendered", func(h *hydrator) *string { return &h.DrySource.RepoURL }),
		field("dry-source-revision", "branch, tag or commit that is rendered", func(h *hydrator) *string { return &h.DrySource.TargetRevision }),
		field("dry-source-path", "folder that is rendered", func(h *hydrator) *string { return &h.DrySource.Path }),
		field("sync-source-branch", "branch with what was rendered, from which the application is deployed", func(h *hydrator) *string { return &h.SyncSource.TargetBranch }),
		field("sync-source-path", "folder of that branch", func(h *hydrator) *string { return &h.SyncSource.Path }),
		text("hydrate-to-branch", "branch that is rendered to, if another is deployed; empty for none", func(h *hydrator, branch string) error {
			if h.HydrateTo = nil; branch != "" {
				h.HydrateTo = &v1alpha1.HydrateTo{TargetBranch: branch}
			}
			return nil
		}),
	}
}
