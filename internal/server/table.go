package server

import (
	"fairlead.dev/fairlead/internal/access"
	p "fairlead.dev/fairlead/internal/protocol"
)

// table is the whole API. What a row's permission is checked on, its handler says: of an application project/name, of a
// build project/rule, of all else its name.
func (s *Server) table() []row {
	var rows []row
	for _, part := range [][]row{
		s.sessionTable(), s.securityTable(), s.applicationTable(), s.applicationSetTable(), s.resourceTable(), s.configurationTable(),
		s.repositoryTable(), s.buildTable(), s.rolloutTable(),
	} {
		rows = append(rows, part...)
	}
	return rows
}

func (s *Server) sessionTable() []row {
	return []row{
		unary(p.Version, public, s.version, get("/api/version")),
		unary(p.SettingsGet, public, s.settings, get("/api/v1/settings")),
		unary(p.SettingsGetPlugins, signedIn, s.settingsPlugins, get("/api/v1/settings/plugins")),
		unary(p.SessionCreate, public, s.createSession, post("/api/v1/session", "*")),
		unary(p.SessionDelete, signedIn, s.deleteSession, deletion("/api/v1/session")),
		unary(p.SessionUserInfo, public, s.userInfo, get("/api/v1/session/userinfo")),

		unary(p.AccountCanI, signedIn, s.canI, get("/api/v1/account/can-i/{resource}/{action}/{subresource...}")),
		unary(p.AccountPassword, may(access.Accounts, access.Update), s.updatePassword, put("/api/v1/account/password", "*")),
		unary(p.AccountList, may(access.Accounts, access.Get), s.listAccounts, get("/api/v1/account")),
		unary(p.AccountGet, may(access.Accounts, access.Get), s.getAccount, get("/api/v1/account/{name}")),
		unary(p.AccountNewToken, may(access.Accounts, access.Update), s.createToken, post("/api/v1/account/{name}/token", "*")),
		unary(p.AccountDropToken, may(access.Accounts, access.Update), s.deleteToken, deletion("/api/v1/account/{name}/token/{id}")),
	}
}

func (s *Server) applicationTable() []row {
	const apps = access.Applications
	return []row{
		unary(p.Unary[p.ApplicationQuery, p.Applications](p.ApplicationList), may(apps, access.Get), s.listApps, get("/api/v1/applications")),
		stream(p.ApplicationWatch, may(apps, access.Get), s.watchApps, get("/api/v1/stream/applications")),
		unary(p.ApplicationGet, may(apps, access.Get), s.getApp, get("/api/v1/applications/{name}")),
		unary(p.ApplicationCreate, may(apps, access.Create), s.createApp, post("/api/v1/applications", "application")),
		unary(p.ApplicationUpdate, may(apps, access.Update), s.updateApp,
			put("/api/v1/applications/{application.metadata.name}", "application")),
		unary(p.ApplicationUpdateSpec, may(apps, access.Update), s.updateAppSpec, put("/api/v1/applications/{name}/spec", "spec")),
		unary(p.ApplicationPatch, may(apps, access.Update), s.patchApp, patch("/api/v1/applications/{name}")),
		unary(p.ApplicationDelete, may(apps, access.Delete), s.deleteApp, deletion("/api/v1/applications/{name}")),
		unary(p.ApplicationSync, may(apps, access.Sync), s.syncApp, post("/api/v1/applications/{name}/sync", "*")),
		unary(p.ApplicationSyncWindows, may(apps, access.Get), s.appSyncWindows, get("/api/v1/applications/{name}/syncwindows")),
		unary(p.ApplicationTerminate, may(apps, access.Sync), s.terminateApp, deletion("/api/v1/applications/{name}/operation")),
		unary(p.ApplicationRollback, may(apps, access.Rollback), s.rollbackApp, post("/api/v1/applications/{name}/rollback", "*")),

		unary(p.HoldRollback, may(apps, access.Rollback), s.rollbackAndHold, post("/api/fairlead/v1/applications/{name}/rollback", "*")),
		unary(p.HoldRelease, may(apps, access.Sync), s.releaseHold, post("/api/fairlead/v1/applications/{name}/release", "*")),
	}
}

func (s *Server) resourceTable() []row {
	const apps = access.Applications
	return []row{
		unary(p.ApplicationManaged, may(apps, access.Get), s.managedResources, get("/api/v1/applications/{applicationName}/managed-resources")),
		unary(p.ApplicationResourceTree, may(apps, access.Get), s.resourceTree, get("/api/v1/applications/{applicationName}/resource-tree")),
		stream(p.ApplicationWatchTree, may(apps, access.Get), s.watchResourceTree,
			get("/api/v1/stream/applications/{applicationName}/resource-tree")),
		unary(p.ApplicationPatchObject, may(apps, access.Update), s.patchResource, post("/api/v1/applications/{name}/resource", "patch")),
		unary(p.ApplicationDeleteObject, may(apps, access.Delete), s.deleteResource, deletion("/api/v1/applications/{name}/resource")),
		unary(p.ApplicationManifests, may(apps, access.Get), s.manifests, get("/api/v1/applications/{name}/manifests")),
		upload(p.ApplicationManifestsWithFiles, may(apps, access.Get), s.manifestsWithFiles),
		unary(p.ApplicationServerSideDiff, may(apps, access.Get), s.serverSideDiff, get("/api/v1/applications/{appName}/server-side-diff")),
		unary(p.ApplicationRevision, may(apps, access.Get), s.revisionMetadata, get("/api/v1/applications/{name}/revisions/{revision}/metadata")),
		unary(p.ApplicationChart, may(apps, access.Get), s.chartDetails, get("/api/v1/applications/{name}/revisions/{revision}/chartdetails")),
		unary(p.ApplicationOCI, may(apps, access.Get), s.ociMetadata, get("/api/v1/applications/{name}/revisions/{revision}/ocimetadata")),
		unary(p.ApplicationResource, may(apps, access.Get), s.getResource, get("/api/v1/applications/{name}/resource")),
		unary(p.ApplicationActions, may(apps, access.Get), s.listActions, get("/api/v1/applications/{name}/resource/actions")),
		unary(p.ApplicationRunAction, may(apps, access.Action), s.runAction, post("/api/v1/applications/{name}/resource/actions", "action")),
		unary(p.ApplicationRunActionV2, may(apps, access.Action), s.act, post("/api/v1/applications/{name}/resource/actions/v2", "*")),
		unary(p.ApplicationEvents, may(apps, access.Get), s.listEvents, get("/api/v1/applications/{name}/events")),
		unary(p.ApplicationLinks, may(apps, access.Get), s.applicationLinks, get("/api/v1/applications/{name}/links")),
		unary(p.ApplicationObjectLinks, may(apps, access.Get), s.resourceLinks, get("/api/v1/applications/{name}/resource/links")),
		stream(p.ApplicationPodLogs, may(access.Logs, access.Get), s.podLogs,
			get("/api/v1/applications/{name}/pods/{podName}/logs"), get("/api/v1/applications/{name}/logs")),
	}
}

func (s *Server) configurationTable() []row {
	return append(s.projectTable(), []row{
		unary(p.ClusterGetList, may(access.Clusters, access.Get), s.listClusters, get("/api/v1/clusters")),
		unary(p.ClusterGet, may(access.Clusters, access.Get), s.getCluster, get("/api/v1/clusters/{id.value}")),
		unary(p.ClusterCreate, may(access.Clusters, access.Create), s.createCluster, post("/api/v1/clusters", "cluster")),
		unary(p.ClusterUpdate, may(access.Clusters, access.Update), s.updateCluster, put("/api/v1/clusters/{id.value}", "cluster")),
		unary(p.ClusterDelete, may(access.Clusters, access.Delete), s.deleteCluster, deletion("/api/v1/clusters/{id.value}")),
		unary(p.ClusterRotate, may(access.Clusters, access.Update), s.rotateCluster, post("/api/v1/clusters/{id.value}/rotate-auth", "")),
		unary(p.ClusterInvalidate, may(access.Clusters, access.Update), s.invalidateCluster, post("/api/v1/clusters/{id.value}/invalidate-cache", "")),
	}...)
}

func (s *Server) repositoryTable() []row {
	const repos, writes = access.Repositories, access.WriteRepositories
	const at, writesAt = "/api/v1/repositories", "/api/v1/write-repositories"
	const templatesAt, writeTemplatesAt = "/api/v1/repocreds", "/api/v1/write-repocreds"
	return []row{
		unary(p.RepositoryGetList, may(repos, access.Get), s.listRepositories, get(at)),
		unary(p.RepositoryOldList, may(repos, access.Get), s.listRepositories),
		unary(p.RepositoryGet, may(repos, access.Get), s.getRepository, get(at+"/{repo}")),
		unary(p.RepositoryRefs, may(repos, access.Get), s.listRefs, get(at+"/{repo}/refs")),
		unary(p.RepositoryTags, may(repos, access.Get), s.listTags, get(at+"/{repo}/oci-tags")),
		unary(p.RepositoryApps, may(repos, access.Get), s.listRepositoryApps, get(at+"/{repo}/apps")),
		unary(p.RepositoryDetails, may(repos, access.Get), s.appDetails, post(at+"/{source.repoURL}/appdetails", "*")),
		unary(p.RepositoryCharts, may(repos, access.Get), s.listCharts, get(at+"/{repo}/helmcharts")),
		unary(p.RepositoryCreate, may(repos, access.Create), s.createRepository, post(at, "repo")),
		unary(p.RepositoryOldCreate, may(repos, access.Create), s.createRepository),
		unary(p.RepositoryUpdate, may(repos, access.Update), s.updateRepository, put(at+"/{repo.repo}", "repo")),
		unary(p.RepositoryOldUpdate, may(repos, access.Update), s.updateRepository),
		unary(p.RepositoryDelete, may(repos, access.Delete), s.deleteRepository, deletion(at+"/{repo}")),
		unary(p.RepositoryOldDelete, may(repos, access.Delete), s.deleteRepository),
		unary(p.RepositoryValidate, may(repos, access.Create), s.validateRepository, post(at+"/{repo}/validate", "repo")),

		unary(p.RepositoryWriteList, may(writes, access.Get), s.listWriteRepositories, get(writesAt)),
		unary(p.RepositoryGetWrite, may(writes, access.Get), s.getWriteRepository, get(writesAt+"/{repo}")),
		unary(p.RepositoryCreateWrite, may(writes, access.Create), s.createWriteRepository, post(writesAt, "repo")),
		unary(p.RepositoryUpdateWrite, may(writes, access.Update), s.updateWriteRepository, put(writesAt+"/{repo.repo}", "repo")),
		unary(p.RepositoryDeleteWrite, may(writes, access.Delete), s.deleteWriteRepository, deletion(writesAt+"/{repo}")),
		unary(p.RepositoryValidateWrite, may(writes, access.Create), s.validateWriteRepository, post(writesAt+"/{repo}/validate", "repo")),

		unary(p.RepoCredsGetList, may(repos, access.Get), s.listTemplates(readStore), get(templatesAt)),
		unary(p.RepoCredsCreate, may(repos, access.Create), s.createTemplate(readStore), post(templatesAt, "creds")),
		unary(p.RepoCredsUpdate, may(repos, access.Update), s.updateTemplate(readStore), put(templatesAt+"/{creds.url}", "creds")),
		unary(p.RepoCredsDelete, may(repos, access.Delete), s.deleteTemplate(readStore), deletion(templatesAt+"/{url}")),
		unary(p.RepoCredsWriteList, may(writes, access.Get), s.listTemplates(writeStore), get(writeTemplatesAt)),
		unary(p.RepoCredsCreateWrite, may(writes, access.Create), s.createTemplate(writeStore), post(writeTemplatesAt, "creds")),
		unary(p.RepoCredsUpdateWrite, may(writes, access.Update), s.updateTemplate(writeStore), put(writeTemplatesAt+"/{creds.url}", "creds")),
		unary(p.RepoCredsDeleteWrite, may(writes, access.Delete), s.deleteTemplate(writeStore), deletion(writeTemplatesAt+"/{url}")),
	}
}

func (s *Server) projectTable() []row {
	const projects, at = access.Projects, "/api/v1/projects"
	return []row{
		unary(p.ProjectList, may(projects, access.Get), s.listProjects, get(at)),
		unary(p.ProjectGet, may(projects, access.Get), s.getProject, get(at+"/{name}")),
		unary(p.ProjectDetailed, may(projects, access.Get), s.detailedProject, get(at+"/{name}/detailed")),
		unary(p.ProjectGlobals, may(projects, access.Get), s.globalProjects, get(at+"/{name}/globalprojects")),
		unary(p.ProjectSyncWindows, may(projects, access.Get), s.projectSyncWindows, get(at+"/{name}/syncwindows")),
		unary(p.ProjectEvents, may(projects, access.Get), s.listProjectEvents, get(at+"/{name}/events")),
		unary(p.ProjectLinks, may(projects, access.Get), s.projectLinks, get(at+"/{name}/links")),
		unary(p.ProjectCreate, may(projects, access.Create), s.createProject, post(at, "*")),
		unary(p.ProjectUpdate, may(projects, access.Update), s.updateProject, put(at+"/{project.metadata.name}", "*")),
		unary(p.ProjectDelete, may(projects, access.Delete), s.deleteProject, deletion(at+"/{name}")),
		unary(p.ProjectNewToken, may(projects, access.Update), s.createProjectToken, post(at+"/{project}/roles/{role}/token", "*")),
		unary(p.ProjectDropToken, may(projects, access.Update), s.deleteProjectToken, deletion(at+"/{project}/roles/{role}/token/{iat}")),
	}
}

func (s *Server) buildTable() []row {
	return []row{
		unary(p.BuildRules, may(access.Builds, access.Get), s.listRules, get("/api/fairlead/v1/buildrules")),
		unary(p.BuildGetList, may(access.Builds, access.Get), s.listBuilds, get("/api/fairlead/v1/builds")),
		unary(p.BuildGet, may(access.Builds, access.Get), s.getBuild, get("/api/fairlead/v1/builds/{name}")),
		unary(p.BuildStart, may(access.Builds, access.Create), s.startBuild, post("/api/fairlead/v1/buildrules/{rule}/build", "*")),
		unary(p.BuildRebuild, may(access.Builds, access.Create), s.rebuild, post("/api/fairlead/v1/builds/{name}/rebuild", "*")),
		unary(p.BuildCancel, may(access.Builds, access.Update), s.cancelBuild, post("/api/fairlead/v1/builds/{name}/cancel", "*")),
		stream(p.BuildLogs, may(access.Builds, access.Get), s.buildLogs, get("/api/fairlead/v1/builds/{name}/logs")),
	}
}

func (s *Server) rolloutTable() []row {
	const base = "/api/fairlead/v1/applications/{application}/rollouts"
	const act = "/api/fairlead/v1/applications/{rollout.application}/rollouts/{rollout.name}"
	// The permission to act is Argo CD's for the action of that name on a Rollout.
	action := func(name string) permission { return may(access.Applications, actionOf(name)) }
	return []row{
		unary(p.RolloutGetList, may(access.Applications, access.Get), s.listRollouts, get(base)),
		unary(p.RolloutGet, may(access.Applications, access.Get), s.getRollout, get(base+"/{name}")),
		stream(p.RolloutWatch, may(access.Applications, access.Get), s.watchRollout, get("/api/fairlead/v1/stream/applications/{application}/rollouts/{name}")),
		unary(p.RolloutPromote, action("resume"), s.promoteRollout, post(act+"/promote", "*")),
		unary(p.RolloutAbort, action("abort"), s.abortRollout, post(act+"/abort", "*")),
		unary(p.RolloutRetry, action("retry"), s.retryRollout, post(act+"/retry", "*")),
		unary(p.RolloutUndo, action("undo"), s.undoRollout, post(act+"/undo", "*")),
		unary(p.RolloutPause, action("pause"), s.pauseRollout, post(act+"/pause", "*")),
		unary(p.RolloutRestart, action("restart"), s.restartRollout, post(act+"/restart", "*")),
	}
}
