package v1alpha1

import "k8s.io/apimachinery/pkg/runtime"

// RolloutTrafficRouting configures the routers that split requests between the revisions.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutTrafficRouting struct {
	Istio      *IstioTrafficRouting      `json:"istio,omitempty"`
	Nginx      *NginxTrafficRouting      `json:"nginx,omitempty"`
	ALB        *ALBTrafficRouting        `json:"alb,omitempty"`
	SMI        *SMITrafficRouting        `json:"smi,omitempty"`
	Ambassador *AmbassadorTrafficRouting `json:"ambassador,omitempty"`
	AppMesh    *AppMeshTrafficRouting    `json:"appMesh,omitempty"`
	Traefik    *TraefikTrafficRouting    `json:"traefik,omitempty"`
	// ManagedRoutes are the routes that steps may set, in order of precedence.
	ManagedRoutes []ManagedRoute        `json:"managedRoutes,omitempty"`
	Apisix        *ApisixTrafficRouting `json:"apisix,omitempty"`
	// Plugins configures router plugins by name.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Plugins map[string]runtime.RawExtension `json:"plugins,omitempty"`
	// MaxTrafficWeight is the weight that means all traffic; nil means 100.
	MaxTrafficWeight *int32 `json:"maxTrafficWeight,omitempty"`
}

// ManagedRoute is a route that steps may set.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ManagedRoute struct {
	Name string `json:"name"`
}

// ALBTrafficRouting splits by an AWS load balancer's Ingress.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ALBTrafficRouting struct {
	Ingress          string            `json:"ingress,omitempty"`
	ServicePort      int32             `json:"servicePort"`
	RootService      string            `json:"rootService,omitempty"`
	AnnotationPrefix string            `json:"annotationPrefix,omitempty"`
	StickinessConfig *StickinessConfig `json:"stickinessConfig,omitempty"`
	Ingresses        []string          `json:"ingresses,omitempty"`
}

// StickinessConfig keeps a client at the revision it has met.
//
// +kubebuilder:pruning:PreserveUnknownFields
type StickinessConfig struct {
	Enabled         bool  `json:"enabled"`
	DurationSeconds int64 `json:"durationSeconds"`
}

// NginxTrafficRouting splits by ingress-nginx.
//
// +kubebuilder:pruning:PreserveUnknownFields
type NginxTrafficRouting struct {
	AnnotationPrefix             string            `json:"annotationPrefix,omitempty"`
	StableIngress                string            `json:"stableIngress,omitempty"`
	AdditionalIngressAnnotations map[string]string `json:"additionalIngressAnnotations,omitempty"`
	StableIngresses              []string          `json:"stableIngresses,omitempty"`
}

// IstioTrafficRouting splits by Istio.
//
// +kubebuilder:pruning:PreserveUnknownFields
type IstioTrafficRouting struct {
	VirtualService  *IstioVirtualService  `json:"virtualService,omitempty"`
	DestinationRule *IstioDestinationRule `json:"destinationRule,omitempty"`
	VirtualServices []IstioVirtualService `json:"virtualServices,omitempty"`
}

// IstioVirtualService names the routes to change.
//
// +kubebuilder:pruning:PreserveUnknownFields
type IstioVirtualService struct {
	Name      string          `json:"name"`
	Routes    []string        `json:"routes,omitempty"`
	TLSRoutes []IstioTLSRoute `json:"tlsRoutes,omitempty"`
	TCPRoutes []IstioTCPRoute `json:"tcpRoutes,omitempty"`
}

// IstioTLSRoute names a TLS route by port and host.
//
// +kubebuilder:pruning:PreserveUnknownFields
type IstioTLSRoute struct {
	Port     int64    `json:"port,omitempty"`
	SNIHosts []string `json:"sniHosts,omitempty"`
}

// IstioTCPRoute names a TCP route by port.
//
// +kubebuilder:pruning:PreserveUnknownFields
type IstioTCPRoute struct {
	Port int64 `json:"port,omitempty"`
}

// IstioDestinationRule names the subsets to change.
//
// +kubebuilder:pruning:PreserveUnknownFields
type IstioDestinationRule struct {
	Name             string `json:"name"`
	CanarySubsetName string `json:"canarySubsetName"`
	StableSubsetName string `json:"stableSubsetName"`
}

// SMITrafficRouting splits by a TrafficSplit.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SMITrafficRouting struct {
	RootService      string `json:"rootService,omitempty"`
	TrafficSplitName string `json:"trafficSplitName,omitempty"`
}

// AmbassadorTrafficRouting splits by Ambassador mappings.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AmbassadorTrafficRouting struct {
	Mappings []string `json:"mappings"`
}

// AppMeshTrafficRouting splits by AWS App Mesh.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AppMeshTrafficRouting struct {
	VirtualService   *AppMeshVirtualService   `json:"virtualService,omitempty"`
	VirtualNodeGroup *AppMeshVirtualNodeGroup `json:"virtualNodeGroup,omitempty"`
}

// AppMeshVirtualService names the routes to change.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AppMeshVirtualService struct {
	Name   string   `json:"name"`
	Routes []string `json:"routes,omitempty"`
}

// AppMeshVirtualNodeGroup names the nodes of both revisions.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AppMeshVirtualNodeGroup struct {
	CanaryVirtualNodeRef *AppMeshVirtualNodeReference `json:"canaryVirtualNodeRef"`
	StableVirtualNodeRef *AppMeshVirtualNodeReference `json:"stableVirtualNodeRef"`
}

// AppMeshVirtualNodeReference names a node.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AppMeshVirtualNodeReference struct {
	Name string `json:"name"`
}

// TraefikTrafficRouting splits by a TraefikService.
//
// +kubebuilder:pruning:PreserveUnknownFields
type TraefikTrafficRouting struct {
	WeightedTraefikServiceName string `json:"weightedTraefikServiceName"`
}

// ApisixTrafficRouting splits by an APISIX route.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ApisixTrafficRouting struct {
	Route *ApisixRoute `json:"route,omitempty"`
}

// ApisixRoute names the rules to change.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ApisixRoute struct {
	Name  string   `json:"name"`
	Rules []string `json:"rules,omitempty"`
}
