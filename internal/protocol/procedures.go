package protocol

import (
	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// Unary is the name of a procedure, "/package.Service/Method", that takes one Request and gives one Response.
type Unary[Request, Response any] string

// Upload is the name of a procedure that takes any number of Requests and gives one Response.
type Upload[Request, Response any] string

// Stream is the name of a procedure that takes one Request and gives any number of Responses.
type Stream[Request, Response any] string

// Version, sessions and accounts.
const (
	Version            Unary[VersionRequest, VersionMessage]                = "/version.VersionService/Version"
	SettingsGet        Unary[SettingsQuery, Settings]                       = "/cluster.SettingsService/Get"
	SettingsGetPlugins Unary[SettingsQuery, SettingsPlugins]                = "/cluster.SettingsService/GetPlugins"
	SessionCreate      Unary[SessionCreateRequest, SessionResponse]         = "/session.SessionService/Create"
	SessionDelete      Unary[SessionDeleteRequest, SessionResponse]         = "/session.SessionService/Delete"
	SessionUserInfo    Unary[GetUserInfoRequest, GetUserInfoResponse]       = "/session.SessionService/GetUserInfo"
	AccountCanI        Unary[CanIRequest, CanIResponse]                     = "/account.AccountService/CanI"
	AccountPassword    Unary[UpdatePasswordRequest, UpdatePasswordResponse] = "/account.AccountService/UpdatePassword"
	AccountList        Unary[ListAccountRequest, AccountsList]              = "/account.AccountService/ListAccounts"
	AccountGet         Unary[GetAccountRequest, Account]                    = "/account.AccountService/GetAccount"
	AccountNewToken    Unary[CreateTokenRequest, CreateTokenResponse]       = "/account.AccountService/CreateToken"
	AccountDropToken   Unary[DeleteTokenRequest, AccountResponse]           = "/account.AccountService/DeleteToken"
)

// Application sets.
const (
	ApplicationSetGet      Unary[ApplicationSetGetQuery, argo.ApplicationSet]                   = "/applicationset.ApplicationSetService/Get"
	ApplicationSetGenerate Unary[ApplicationSetGenerateRequest, ApplicationSetGenerateResponse] = "/applicationset.ApplicationSetService/Generate"
	ApplicationSetGetList  Unary[ApplicationSetListQuery, argo.ApplicationSetList]              = "/applicationset.ApplicationSetService/List"
	ApplicationSetCreate   Unary[ApplicationSetCreateRequest, argo.ApplicationSet]              = "/applicationset.ApplicationSetService/Create"
	ApplicationSetDelete   Unary[ApplicationSetDeleteRequest, ApplicationSetResponse]           = "/applicationset.ApplicationSetService/Delete"
	ApplicationSetGetTree  Unary[ApplicationSetTreeQuery, ApplicationSetTree]                   = "/applicationset.ApplicationSetService/ResourceTree"
	ApplicationSetEvents   Unary[ApplicationSetGetQuery, EventList]                             = "/applicationset.ApplicationSetService/ListResourceEvents"
	ApplicationSetWatch    Stream[ApplicationSetWatchQuery, ApplicationSetWatchEvent]           = "/applicationset.ApplicationSetService/Watch"
)

// Applications: Argo CD's service, then ours.
const (
	ApplicationList         Unary[ApplicationQuery, argo.ApplicationList]                       = "/application.ApplicationService/List"
	ApplicationGet          Unary[ApplicationQuery, argo.Application]                           = "/application.ApplicationService/Get"
	ApplicationWatch        Stream[ApplicationQuery, ApplicationWatchEvent]                     = "/application.ApplicationService/Watch"
	ApplicationCreate       Unary[ApplicationCreateRequest, argo.Application]                   = "/application.ApplicationService/Create"
	ApplicationUpdate       Unary[ApplicationUpdateRequest, argo.Application]                   = "/application.ApplicationService/Update"
	ApplicationUpdateSpec   Unary[ApplicationUpdateSpecRequest, argo.ApplicationSpec]           = "/application.ApplicationService/UpdateSpec"
	ApplicationPatch        Unary[ApplicationPatchRequest, argo.Application]                    = "/application.ApplicationService/Patch"
	ApplicationDelete       Unary[ApplicationDeleteRequest, ApplicationResponse]                = "/application.ApplicationService/Delete"
	ApplicationSync         Unary[ApplicationSyncRequest, argo.Application]                     = "/application.ApplicationService/Sync"
	ApplicationRollback     Unary[ApplicationRollbackRequest, argo.Application]                 = "/application.ApplicationService/Rollback"
	ApplicationSyncWindows  Unary[ApplicationSyncWindowsQuery, ApplicationSyncWindowsResponse]  = "/application.ApplicationService/GetApplicationSyncWindows"
	ApplicationTerminate    Unary[OperationTerminateRequest, OperationTerminateResponse]        = "/application.ApplicationService/TerminateOperation"
	ApplicationManaged      Unary[ResourcesQuery, ManagedResourcesResponse]                     = "/application.ApplicationService/ManagedResources"
	ApplicationResourceTree Unary[ResourcesQuery, ApplicationTree]                              = "/application.ApplicationService/ResourceTree"
	ApplicationWatchTree    Stream[ResourcesQuery, ApplicationTree]                             = "/application.ApplicationService/WatchResourceTree"
	ApplicationPatchObject  Unary[ApplicationResourcePatchRequest, ApplicationResourceResponse] = "/application.ApplicationService/PatchResource"
	ApplicationDeleteObject Unary[ApplicationResourceDeleteRequest, ApplicationResponse]        = "/application.ApplicationService/DeleteResource"
	ApplicationManifests    Unary[ApplicationManifestQuery, ManifestResponse]                   = "/application.ApplicationService/GetManifests"
	ApplicationRevision     Unary[RevisionMetadataQuery, RevisionMetadata]                      = "/application.ApplicationService/RevisionMetadata"
	ApplicationChart        Unary[RevisionMetadataQuery, ChartDetails]                          = "/application.ApplicationService/RevisionChartDetails"
	ApplicationOCI          Unary[RevisionMetadataQuery, OCIMetadata]                           = "/application.ApplicationService/GetOCIMetadata"
	ApplicationResource     Unary[ApplicationResourceRequest, ApplicationResourceResponse]      = "/application.ApplicationService/GetResource"
	ApplicationActions      Unary[ApplicationResourceRequest, ResourceActionsListResponse]      = "/application.ApplicationService/ListResourceActions"
	ApplicationRunAction    Unary[ResourceActionRunRequest, ApplicationResponse]                = "/application.ApplicationService/RunResourceAction"
	ApplicationRunActionV2  Unary[ResourceActionRunRequestV2, ApplicationResponse]              = "/application.ApplicationService/RunResourceActionV2"
	ApplicationPodLogs      Stream[ApplicationPodLogsQuery, LogEntry]                           = "/application.ApplicationService/PodLogs"
	ApplicationEvents       Unary[ApplicationResourceEventsQuery, EventList]                    = "/application.ApplicationService/ListResourceEvents"

	ApplicationLinks       Unary[ListAppLinksRequest, LinksResponse]        = "/application.ApplicationService/ListLinks"
	ApplicationObjectLinks Unary[ApplicationResourceRequest, LinksResponse] = "/application.ApplicationService/ListResourceLinks"

	// HoldRollback takes the hold first and then starts the rollback, also under automated sync.
	HoldRollback Unary[ApplicationRollbackRequest, argo.Application] = "/fairlead.v1.ApplicationService/Rollback"
	// HoldRelease ends the hold.
	HoldRelease Unary[HoldRequest, argo.Application] = "/fairlead.v1.ApplicationService/Release"
)

// Clusters, repositories and projects.
const (
	ClusterGetList    Unary[ClusterQuery, ClusterList]     = "/cluster.ClusterService/List"
	ClusterGet        Unary[ClusterQuery, Cluster]         = "/cluster.ClusterService/Get"
	ClusterCreate     Unary[ClusterCreateRequest, Cluster] = "/cluster.ClusterService/Create"
	ClusterUpdate     Unary[ClusterUpdateRequest, Cluster] = "/cluster.ClusterService/Update"
	ClusterDelete     Unary[ClusterQuery, ClusterResponse] = "/cluster.ClusterService/Delete"
	ClusterInvalidate Unary[ClusterQuery, Cluster]         = "/cluster.ClusterService/InvalidateCache"
	ClusterRotate     Unary[ClusterQuery, ClusterResponse] = "/cluster.ClusterService/RotateAuth"

	RepositoryGetList       Unary[RepoQuery, RepositoryList]                   = "/repository.RepositoryService/ListRepositories"
	RepositoryOldList       Unary[RepoQuery, RepositoryList]                   = "/repository.RepositoryService/List"
	RepositoryWriteList     Unary[RepoQuery, RepositoryList]                   = "/repository.RepositoryService/ListWriteRepositories"
	RepositoryGet           Unary[RepoQuery, Repository]                       = "/repository.RepositoryService/Get"
	RepositoryGetWrite      Unary[RepoQuery, Repository]                       = "/repository.RepositoryService/GetWrite"
	RepositoryRefs          Unary[RepoQuery, Refs]                             = "/repository.RepositoryService/ListRefs"
	RepositoryTags          Unary[RepoQuery, Refs]                             = "/repository.RepositoryService/ListOCITags"
	RepositoryApps          Unary[RepoAppsQuery, RepoAppsResponse]             = "/repository.RepositoryService/ListApps"
	RepositoryDetails       Unary[RepoAppDetailsQuery, RepoAppDetailsResponse] = "/repository.RepositoryService/GetAppDetails"
	RepositoryCharts        Unary[RepoQuery, HelmChartsResponse]               = "/repository.RepositoryService/GetHelmCharts"
	RepositoryCreate        Unary[RepoCreateRequest, Repository]               = "/repository.RepositoryService/CreateRepository"
	RepositoryOldCreate     Unary[RepoCreateRequest, Repository]               = "/repository.RepositoryService/Create"
	RepositoryCreateWrite   Unary[RepoCreateRequest, Repository]               = "/repository.RepositoryService/CreateWriteRepository"
	RepositoryUpdate        Unary[RepoUpdateRequest, Repository]               = "/repository.RepositoryService/UpdateRepository"
	RepositoryOldUpdate     Unary[RepoUpdateRequest, Repository]               = "/repository.RepositoryService/Update"
	RepositoryUpdateWrite   Unary[RepoUpdateRequest, Repository]               = "/repository.RepositoryService/UpdateWriteRepository"
	RepositoryDelete        Unary[RepoQuery, RepoResponse]                     = "/repository.RepositoryService/DeleteRepository"
	RepositoryOldDelete     Unary[RepoQuery, RepoResponse]                     = "/repository.RepositoryService/Delete"
	RepositoryDeleteWrite   Unary[RepoQuery, RepoResponse]                     = "/repository.RepositoryService/DeleteWriteRepository"
	RepositoryValidate      Unary[RepoAccessQuery, RepoResponse]               = "/repository.RepositoryService/ValidateAccess"
	RepositoryValidateWrite Unary[RepoAccessQuery, RepoResponse]               = "/repository.RepositoryService/ValidateWriteAccess"

	RepoCredsGetList     Unary[RepoCredsQuery, RepoCredsList]             = "/repocreds.RepoCredsService/ListRepositoryCredentials"
	RepoCredsWriteList   Unary[RepoCredsQuery, RepoCredsList]             = "/repocreds.RepoCredsService/ListWriteRepositoryCredentials"
	RepoCredsCreate      Unary[RepoCredsCreateRequest, RepoCreds]         = "/repocreds.RepoCredsService/CreateRepositoryCredentials"
	RepoCredsCreateWrite Unary[RepoCredsCreateRequest, RepoCreds]         = "/repocreds.RepoCredsService/CreateWriteRepositoryCredentials"
	RepoCredsUpdate      Unary[RepoCredsUpdateRequest, RepoCreds]         = "/repocreds.RepoCredsService/UpdateRepositoryCredentials"
	RepoCredsUpdateWrite Unary[RepoCredsUpdateRequest, RepoCreds]         = "/repocreds.RepoCredsService/UpdateWriteRepositoryCredentials"
	RepoCredsDelete      Unary[RepoCredsDeleteRequest, RepoCredsResponse] = "/repocreds.RepoCredsService/DeleteRepositoryCredentials"
	RepoCredsDeleteWrite Unary[RepoCredsDeleteRequest, RepoCredsResponse] = "/repocreds.RepoCredsService/DeleteWriteRepositoryCredentials"

	ProjectList        Unary[ProjectQuery, argo.AppProjectList]               = "/project.ProjectService/List"
	ProjectSyncWindows Unary[SyncWindowsQuery, SyncWindowsResponse]           = "/project.ProjectService/GetSyncWindowsState"
	ProjectGet         Unary[ProjectQuery, argo.AppProject]                   = "/project.ProjectService/Get"
	ProjectDetailed    Unary[ProjectQuery, DetailedProjectsResponse]          = "/project.ProjectService/GetDetailedProject"
	ProjectGlobals     Unary[ProjectQuery, GlobalProjectsResponse]            = "/project.ProjectService/GetGlobalProjects"
	ProjectCreate      Unary[ProjectCreateRequest, argo.AppProject]           = "/project.ProjectService/Create"
	ProjectUpdate      Unary[ProjectUpdateRequest, argo.AppProject]           = "/project.ProjectService/Update"
	ProjectDelete      Unary[ProjectQuery, ProjectResponse]                   = "/project.ProjectService/Delete"
	ProjectEvents      Unary[ProjectQuery, EventList]                         = "/project.ProjectService/ListEvents"
	ProjectLinks       Unary[ListProjectLinksRequest, LinksResponse]          = "/project.ProjectService/ListLinks"
	ProjectNewToken    Unary[ProjectTokenCreateRequest, ProjectTokenResponse] = "/project.ProjectService/CreateToken"
	ProjectDropToken   Unary[ProjectTokenDeleteRequest, ProjectResponse]      = "/project.ProjectService/DeleteToken"
)

// Builds.
const (
	BuildRules   Unary[BuildRuleQuery, BuildRuleList]     = "/fairlead.v1.BuildService/ListRules"
	BuildGetList Unary[BuildQuery, BuildList]             = "/fairlead.v1.BuildService/ListBuilds"
	BuildGet     Unary[BuildQuery, fairlead.Build]        = "/fairlead.v1.BuildService/GetBuild"
	BuildStart   Unary[BuildStartRequest, fairlead.Build] = "/fairlead.v1.BuildService/StartBuild"
	BuildRebuild Unary[BuildQuery, fairlead.Build]        = "/fairlead.v1.BuildService/Rebuild"
	BuildCancel  Unary[BuildQuery, fairlead.Build]        = "/fairlead.v1.BuildService/Cancel"
	BuildLogs    Stream[BuildLogsRequest, BuildLogChunk]  = "/fairlead.v1.BuildService/Logs"
)

// Rollouts.
const (
	RolloutGetList Unary[RolloutQuery, RolloutList]     = "/fairlead.v1.RolloutService/List"
	RolloutGet     Unary[RolloutQuery, Rollout]         = "/fairlead.v1.RolloutService/Get"
	RolloutWatch   Stream[RolloutQuery, Rollout]        = "/fairlead.v1.RolloutService/Watch"
	RolloutPromote Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Promote"
	RolloutAbort   Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Abort"
	RolloutRetry   Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Retry"
	RolloutUndo    Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Undo"
	RolloutPause   Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Pause"
	RolloutRestart Unary[RolloutActionRequest, Rollout] = "/fairlead.v1.RolloutService/Restart"
)
