package cluster

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	statefulSets        = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	secrets             = schema.GroupKind{Kind: "Secret"}
	serviceAccounts     = schema.GroupKind{Kind: "ServiceAccount"}
	endpoints           = schema.GroupKind{Kind: "Endpoints"}
	endpointSlices      = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	operators           = schema.GroupKind{Group: "operators.coreos.com", Kind: "Operator"}
	clusterServices     = schema.GroupKind{Group: "operators.coreos.com", Kind: "ClusterServiceVersion"}
	ordinalOfReplica    = regexp.MustCompile(`^-\d+$`)
	tokenOfSecret       = regexp.MustCompile(`^-token-[a-z0-9]{5}$`)
	inferredKinds       = []schema.GroupKind{endpoints, endpointSlices, secrets, persistentVolumeClaims}
	inferredOwners      = []schema.GroupKind{services, serviceAccounts, statefulSets}
	ownersWithoutOwning = map[schema.GroupKind]schema.GroupKind{clusterServices: operators}
)

// parents are the known owners of a node: those that it names, and where it names none, the one that its kind and name
// tell: the Service of Endpoints, the StatefulSet of a claim, the ServiceAccount of a token. The caller holds mu.
func (s *store) parents(n *node) []*node {
	var all []*node
	for _, uid := range n.owners {
		// A ClusterServiceVersion names the Operator, which in truth points to it and not the other way round.
		if owner := s.byUID[uid]; owner != nil && ownersWithoutOwning[n.kind.GroupKind] != owner.kind.GroupKind {
			all = append(all, owner)
		}
	}
	if len(n.owners) == 0 {
		if owner := s.inferParent(n); owner != nil {
			all = append(all, owner)
		}
	}
	return all
}

func (s *store) inferParent(n *node) *node {
	switch n.kind.GroupKind {
	case endpoints:
		return s.byKind[services][place{n.namespace, n.name}]
	case persistentVolumeClaims:
		return s.claimant(n)
	case secrets:
		if cut := strings.LastIndex(n.name, "-token-"); cut >= 0 && tokenOfSecret.MatchString(n.name[cut:]) {
			return s.byKind[serviceAccounts][place{n.namespace, n.name[:cut]}]
		}
	}
	return nil
}

// claimant is the StatefulSet of a claim named TEMPLATE-SET-ORDINAL.
func (s *store) claimant(claim *node) *node {
	cut := strings.LastIndex(claim.name, "-")
	if cut < 0 || !ordinalOfReplica.MatchString(claim.name[cut:]) {
		return nil
	}
	rest := claim.name[:cut]
	for at := strings.Index(rest, "-"); at >= 0; {
		set := s.byKind[statefulSets][place{claim.namespace, rest[at+1:]}]
		if set != nil && set.claims(rest[:at]) {
			return set
		}
		next := strings.Index(rest[at+1:], "-")
		if next < 0 {
			return nil
		}
		at += 1 + next
	}
	return nil
}

// claims tells whether a StatefulSet has a template of that name.
func (n *node) claims(template string) bool {
	if n.partial || n.body == "" {
		return false
	}
	for _, t := range listOfMaps(n.object().Object, "spec", "volumeClaimTemplates") {
		if metadata, ok := t["metadata"].(map[string]any); ok && metadata["name"] == template {
			return true
		}
	}
	return false
}

// inferredChildren are the children of an application's objects that name no owner, by the owner. The caller holds mu.
func (s *store) inferredChildren(instance string) map[types.UID][]*node {
	namespaces := map[string]bool{}
	for _, n := range s.byInstance[instance] {
		for _, kind := range inferredOwners {
			if n.kind.GroupKind == kind {
				namespaces[n.namespace] = true
			}
		}
	}
	children := map[types.UID][]*node{}
	if len(namespaces) == 0 {
		return children
	}
	for _, kind := range inferredKinds {
		for p, n := range s.byKind[kind] {
			if !namespaces[p.namespace] || len(n.owners) > 0 {
				continue
			}
			if owner := s.inferParent(n); owner != nil {
				children[owner.uid] = append(children[owner.uid], n)
			}
		}
	}
	return children
}
