package syncplan

// kindOrder is what has to be there first, Argo CD's and Helm's order. Kinds that aren't listed, custom ones, come last.
var kindOrder = rank(
	"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget",
	"ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList", "Role",
	"RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet",
	"Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
)

func rank(kinds ...string) map[string]int {
	ranks := map[string]int{}
	for i, kind := range kinds {
		ranks[kind] = i - len(kinds)
	}
	return ranks
}
