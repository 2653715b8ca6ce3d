// Package settings reads what an operator configured, in Argo CD's own ConfigMaps and Secrets, into values: repositories
// with their credentials, clusters with theirs, and the names of it all.
//
// It only converts objects that it is given; internal/settings/live fetches them from the hub. The formats are those of
// Argo CD 3.6's declarative setup.
package settings

// The ConfigMaps and Secrets in the hub's namespace.
const (
	ConfigMapName         = "argocd-cm"
	RBACConfigMapName     = "argocd-rbac-cm"
	SecretName            = "argocd-secret"
	InitialAdminName      = "argocd-initial-admin-secret"
	ImageUpdaterConfigMap = "argocd-image-updater-config"
	// ValuesFileSchemesKey of argocd-cm are the URL schemes that value files may have, between commas.
	ValuesFileSchemesKey = "helm.valuesFileSchemes"
	// KustomizeRemoteHostsKey of argocd-cm are hosts, between commas, of which kustomizations of all projects may use bases and
	// manifests, without credentials. It is Fairlead's own.
	KustomizeRemoteHostsKey = "kustomize.remoteHosts"
	// CmdParamsConfigMap has, under OCILayerTypesKey, the media types between commas that an OCI artifact's layer may have.
	CmdParamsConfigMap = "argocd-cmd-params-cm"
	OCILayerTypesKey   = "reposerver.oci.layer.media.types"
	// HydratorKey of CmdParamsConfigMap, if it is true, lets the API keep credentials for pushing.
	HydratorKey = "hydrator.enabled"
	// ReplaceAllowedKey of CmdParamsConfigMap forbids syncs with Replace=true with "false".
	ReplaceAllowedKey = "server.sync.replace.allowed"
	// TLSCertsConfigMap has the certificates (PEM) of private hosts, by host name.
	TLSCertsConfigMap = "argocd-tls-certs-cm"
	// KnownHostsConfigMap has the keys of SSH hosts under KnownHostsKey, in the format of ssh's known_hosts.
	KnownHostsConfigMap = "argocd-ssh-known-hosts-cm"
	KnownHostsKey       = "ssh_known_hosts"
	// GPGKeysConfigMap has public keys (armored OpenPGP), by key ID.
	GPGKeysConfigMap = "argocd-gpg-keys-cm"
	// NotificationsConfigMap has triggers, services and templates of notifications.
	NotificationsConfigMap = "argocd-notifications-cm"
)

// SecretTypeLabel tells what a Secret holds; its values follow.
const (
	SecretTypeLabel      = "argocd.argoproj.io/secret-type"
	SecretTypeRepository = "repository"
	SecretTypeRepoCreds  = "repo-creds"
	// Those that say write are for pushing: what the source hydrator commits with.
	SecretTypeRepositoryWrite = "repository-write"
	SecretTypeRepoCredsWrite  = "repo-write-creds"
	SecretTypeCluster         = "cluster"
)

// ManagedBy is the annotation, and ManagedByArgoCD its value, of Secrets that the API made. Others are only unlabelled when
// somebody deletes what they hold.
const (
	ManagedBy       = "managed-by"
	ManagedByArgoCD = "argocd.argoproj.io"
)

// InClusterServer is the address that means "the hub itself".
const InClusterServer = "https://kubernetes.default.svc"

// InClusterEnabledKey of argocd-cm, if it is "false", keeps the hub from being a destination.
const InClusterEnabledKey = "cluster.inClusterEnabled"

// InClusterName is the name of the hub as a destination.
const InClusterName = "in-cluster"
