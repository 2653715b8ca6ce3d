package protocol

import (
	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// Unary is the name of a procedure, "/package.Service/Method", that takes one Request and gives one Response.
type Unary[Request, Response any] string

// Stream is the name of a procedure that takes one Request and gives any number of Responses.
type Stream[Request, Response any] string

// Version, sessions and accounts.
const (
	Version          Unary[VersionRequest, VersionMessage]                = "/version.VersionService/Version"
	SettingsGet      Unary[SettingsQuery, Settings]                       = "/cluster.SettingsService/Get"
	SessionCreate    Unary[SessionCreateRequest, SessionResponse]         = "/session.SessionService/Create"
	SessionDelete    Unary[SessionDeleteRequest, SessionResponse]         = "/session.SessionService/Delete"
	SessionUserInfo  Unary[GetUserInfoRequest, GetUserInfoResponse]       = "/session.SessionService/GetUserInfo"
	AccountCanI      Unary[CanIRequest, CanIResponse]                     = "/account.AccountService/CanI"
	AccountPassword  Unary[UpdatePasswordRequest, UpdatePasswordResponse] = "/account.AccountService/UpdatePassword"
	AccountList      Unary[ListAccountRequest, AccountsList]              = "/account.AccountService/ListAccounts"
	AccountGet       Unary[GetAccountRequest, Account]                    = "/account.AccountService/GetAccount"
	AccountNewToken  Unary[CreateTokenRequest, CreateTokenResponse]       = "/account.AccountService/CreateToken"
	AccountDropToken Unary[DeleteTokenRequest, AccountResponse]           = "/account.AccountService/DeleteToken"
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

	RepositoryGetList  Unary[RepoQuery, RepositoryList]     = "/repository.RepositoryService/ListRepositories"
	RepositoryOldList  Unary[RepoQuery, RepositoryList]     = "/repository.RepositoryService/List"
	RepositoryGet      Unary[RepoQuery, Repository]         = "/repository.RepositoryService/Get"
	RepositoryCreate   Unary[RepoCreateRequest, Repository] = "/repository.RepositoryService/CreateRepository"
	RepositoryUpdate   Unary[RepoUpdateRequest, Repository] = "/repository.RepositoryService/UpdateRepository"
	RepositoryDelete   Unary[RepoQuery, RepoResponse]       = "/repository.RepositoryService/DeleteRepository"
	RepositoryValidate Unary[RepoAccessQuery, RepoResponse] = "/repository.RepositoryService/ValidateAccess"

	ProjectList        Unary[ProjectQuery, argo.AppProjectList]     = "/project.ProjectService/List"
	ProjectSyncWindows Unary[SyncWindowsQuery, SyncWindowsResponse] = "/project.ProjectService/GetSyncWindowsState"
	ProjectGet         Unary[ProjectQuery, argo.AppProject]         = "/project.ProjectService/Get"
	ProjectCreate      Unary[ProjectCreateRequest, argo.AppProject] = "/project.ProjectService/Create"
	ProjectUpdate      Unary[ProjectUpdateRequest, argo.AppProject] = "/project.ProjectService/Update"
	ProjectDelete      Unary[ProjectQuery, ProjectResponse]         = "/project.ProjectService/Delete"
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
