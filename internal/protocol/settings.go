package protocol

// VersionRequest is google.protobuf.Empty.
type VersionRequest struct{}

// VersionMessage is the hub's version. Who isn't logged on sees Version only.
type VersionMessage struct {
	Version          string `json:"Version,omitempty" protobuf:"bytes,1,opt,name=Version"`
	BuildDate        string `json:"BuildDate,omitempty" protobuf:"bytes,2,opt,name=BuildDate"`
	GitCommit        string `json:"GitCommit,omitempty" protobuf:"bytes,3,opt,name=GitCommit"`
	GitTag           string `json:"GitTag,omitempty" protobuf:"bytes,4,opt,name=GitTag"`
	GitTreeState     string `json:"GitTreeState,omitempty" protobuf:"bytes,5,opt,name=GitTreeState"`
	GoVersion        string `json:"GoVersion,omitempty" protobuf:"bytes,6,opt,name=GoVersion"`
	Compiler         string `json:"Compiler,omitempty" protobuf:"bytes,7,opt,name=Compiler"`
	Platform         string `json:"Platform,omitempty" protobuf:"bytes,8,opt,name=Platform"`
	KustomizeVersion string `json:"KustomizeVersion,omitempty" protobuf:"bytes,10,opt,name=KustomizeVersion"`
	HelmVersion      string `json:"HelmVersion,omitempty" protobuf:"bytes,11,opt,name=HelmVersion"`
	KubectlVersion   string `json:"KubectlVersion,omitempty" protobuf:"bytes,12,opt,name=KubectlVersion"`
	JsonnetVersion   string `json:"JsonnetVersion,omitempty" protobuf:"bytes,13,opt,name=JsonnetVersion"`
	ExtraBuildInfo   string `json:"ExtraBuildInfo,omitempty" protobuf:"bytes,14,opt,name=ExtraBuildInfo"`
}

// SettingsQuery asks for the settings.
type SettingsQuery struct{}

// Settings is what clients must know of the hub before anyone has logged on, and a little more for those who are.
type Settings struct {
	URL        string      `json:"url,omitempty" protobuf:"bytes,1,opt,name=url"`
	DexConfig  *DexConfig  `json:"dexConfig,omitempty" protobuf:"bytes,2,opt,name=dexConfig"`
	OIDCConfig *OIDCConfig `json:"oidcConfig,omitempty" protobuf:"bytes,3,opt,name=oidcConfig"`
	// AppLabelKey is the label that objects are tracked by, where they are.
	AppLabelKey string `json:"appLabelKey,omitempty" protobuf:"bytes,4,opt,name=appLabelKey"`
	// ResourceOverrides are what argocd-cm says of kinds (GROUP/KIND); the command line compares with them.
	ResourceOverrides  map[string]*ResourceOverride `json:"resourceOverrides,omitempty" protobuf:"bytes,5,rep,name=resourceOverrides"`
	StatusBadgeEnabled bool                         `json:"statusBadgeEnabled,omitempty" protobuf:"varint,6,opt,name=statusBadgeEnabled"`
	GoogleAnalytics    *GoogleAnalytics             `json:"googleAnalytics,omitempty" protobuf:"bytes,7,opt,name=googleAnalytics"`
	KustomizeOptions   *KustomizeOptions            `json:"kustomizeOptions,omitempty" protobuf:"bytes,8,opt,name=kustomizeOptions"`
	Help               *Help                        `json:"help,omitempty" protobuf:"bytes,9,opt,name=help"`
	Plugins            []*Plugin                    `json:"plugins,omitempty" protobuf:"bytes,10,rep,name=plugins"`
	// UserLoginsDisabled says that no local account can log on.
	UserLoginsDisabled bool     `json:"userLoginsDisabled,omitempty" protobuf:"varint,11,opt,name=userLoginsDisabled"`
	KustomizeVersions  []string `json:"kustomizeVersions,omitempty" protobuf:"bytes,13,rep,name=kustomizeVersions"`
	UICSSURL           string   `json:"uiCssURL,omitempty" protobuf:"bytes,14,opt,name=uiCssURL"`
	UIBannerContent    string   `json:"uiBannerContent,omitempty" protobuf:"bytes,15,opt,name=uiBannerContent"`
	UIBannerURL        string   `json:"uiBannerURL,omitempty" protobuf:"bytes,16,opt,name=uiBannerURL"`
	PasswordPattern    string   `json:"passwordPattern,omitempty" protobuf:"bytes,17,opt,name=passwordPattern"`
	TrackingMethod     string   `json:"trackingMethod,omitempty" protobuf:"bytes,18,opt,name=trackingMethod"`
	UIBannerPermanent  bool     `json:"uiBannerPermanent,omitempty" protobuf:"varint,19,opt,name=uiBannerPermanent"`
	UIBannerPosition   string   `json:"uiBannerPosition,omitempty" protobuf:"bytes,20,opt,name=uiBannerPosition"`
	StatusBadgeRootURL string   `json:"statusBadgeRootUrl,omitempty" protobuf:"bytes,21,opt,name=statusBadgeRootUrl"`
	ExecEnabled        bool     `json:"execEnabled,omitempty" protobuf:"varint,22,opt,name=execEnabled"`
	// ControllerNamespace is the hub's namespace.
	ControllerNamespace       string   `json:"controllerNamespace,omitempty" protobuf:"bytes,23,opt,name=controllerNamespace"`
	AppsInAnyNamespaceEnabled bool     `json:"appsInAnyNamespaceEnabled,omitempty" protobuf:"varint,24,opt,name=appsInAnyNamespaceEnabled"`
	ImpersonationEnabled      bool     `json:"impersonationEnabled,omitempty" protobuf:"varint,25,opt,name=impersonationEnabled"`
	InstallationID            string   `json:"installationID,omitempty" protobuf:"bytes,26,opt,name=installationID"`
	AdditionalURLs            []string `json:"additionalUrls,omitempty" protobuf:"bytes,27,rep,name=additionalUrls"`
	HydratorEnabled           bool     `json:"hydratorEnabled,omitempty" protobuf:"varint,28,opt,name=hydratorEnabled"`
	SyncWithReplaceAllowed    bool     `json:"syncWithReplaceAllowed,omitempty" protobuf:"varint,29,opt,name=syncWithReplaceAllowed"`
	UILoginButtonText         string   `json:"uiLoginButtonText,omitempty" protobuf:"bytes,30,opt,name=uiLoginButtonText"`
	ResourceViewEnabled       bool     `json:"resourceViewEnabled,omitempty" protobuf:"varint,31,opt,name=resourceViewEnabled"`
}

// SettingsPlugins are the config management plugins.
type SettingsPlugins struct {
	Plugins []*Plugin `json:"plugins,omitempty" protobuf:"bytes,1,rep,name=plugins"`
}

// Plugin is a config management plugin.
type Plugin struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// Help is where users get help.
type Help struct {
	ChatURL    string            `json:"chatUrl,omitempty" protobuf:"bytes,1,opt,name=chatUrl"`
	ChatText   string            `json:"chatText,omitempty" protobuf:"bytes,2,opt,name=chatText"`
	BinaryURLs map[string]string `json:"binaryUrls,omitempty" protobuf:"bytes,3,rep,name=binaryUrls"`
}

// GoogleAnalytics is the user interface's.
type GoogleAnalytics struct {
	TrackingID     string `json:"trackingID,omitempty" protobuf:"bytes,1,opt,name=trackingID"`
	AnonymizeUsers bool   `json:"anonymizeUsers,omitempty" protobuf:"varint,2,opt,name=anonymizeUsers"`
}

// KustomizeOptions are those of all kustomizations.
type KustomizeOptions struct {
	BuildOptions string `json:"buildOptions" protobuf:"bytes,1,opt,name=buildOptions"`
}

// DexConfig are the ways to log in that Dex offers.
type DexConfig struct {
	Connectors []*Connector `json:"connectors,omitempty" protobuf:"bytes,1,rep,name=connectors"`
	// DexAuthConnectorID is the connector that logins go to at once; empty lets the user choose.
	DexAuthConnectorID string `json:"dexAuthConnectorID,omitempty" protobuf:"bytes,2,opt,name=dexAuthConnectorID"`
}

// Connector is one way to log in that Dex offers.
type Connector struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Type string `json:"type,omitempty" protobuf:"bytes,2,opt,name=type"`
	ID   string `json:"id,omitempty" protobuf:"bytes,3,opt,name=id"`
}

// OIDCConfig is what clients must know of the OpenID provider.
type OIDCConfig struct {
	Name     string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Issuer   string `json:"issuer,omitempty" protobuf:"bytes,2,opt,name=issuer"`
	ClientID string `json:"clientID,omitempty" protobuf:"bytes,3,opt,name=clientID"`
	// CLIClientID is the command line's own client; empty for ClientID.
	CLIClientID   string            `json:"cliClientID,omitempty" protobuf:"bytes,4,opt,name=cliClientID"`
	Scopes        []string          `json:"scopes,omitempty" protobuf:"bytes,5,rep,name=scopes"`
	IDTokenClaims map[string]*Claim `json:"idTokenClaims,omitempty" protobuf:"bytes,6,rep,name=idTokenClaims"`
	// EnablePKCEAuthentication lets the browser log in without the hub.
	EnablePKCEAuthentication bool `json:"enablePKCEAuthentication,omitempty" protobuf:"varint,7,opt,name=enablePKCEAuthentication"`
}

// Claim is what is asked of a claim: https://openid.net/specs/openid-connect-core-1_0.html#IndividualClaimsRequests.
type Claim struct {
	Essential bool     `json:"essential,omitempty" protobuf:"varint,1,opt,name=essential"`
	Value     string   `json:"value,omitempty" protobuf:"bytes,2,opt,name=value"`
	Values    []string `json:"values,omitempty" protobuf:"bytes,3,rep,name=values"`
}
