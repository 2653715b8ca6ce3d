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

// Settings is what clients must know of the hub before anyone has logged on.
type Settings struct {
	URL         string `json:"url,omitempty" protobuf:"bytes,1,opt,name=url"`
	AppLabelKey string `json:"appLabelKey,omitempty" protobuf:"bytes,4,opt,name=appLabelKey"`
	// UserLoginsDisabled says that no local account can log on.
	UserLoginsDisabled bool   `json:"userLoginsDisabled,omitempty" protobuf:"varint,11,opt,name=userLoginsDisabled"`
	UICSSURL           string `json:"uiCssURL,omitempty" protobuf:"bytes,14,opt,name=uiCssURL"`
	UIBannerContent    string `json:"uiBannerContent,omitempty" protobuf:"bytes,15,opt,name=uiBannerContent"`
	UIBannerURL        string `json:"uiBannerURL,omitempty" protobuf:"bytes,16,opt,name=uiBannerURL"`
	PasswordPattern    string `json:"passwordPattern,omitempty" protobuf:"bytes,17,opt,name=passwordPattern"`
	TrackingMethod     string `json:"trackingMethod,omitempty" protobuf:"bytes,18,opt,name=trackingMethod"`
	// ControllerNamespace is the hub's namespace.
	ControllerNamespace       string   `json:"controllerNamespace,omitempty" protobuf:"bytes,23,opt,name=controllerNamespace"`
	AppsInAnyNamespaceEnabled bool     `json:"appsInAnyNamespaceEnabled,omitempty" protobuf:"varint,24,opt,name=appsInAnyNamespaceEnabled"`
	InstallationID            string   `json:"installationID,omitempty" protobuf:"bytes,26,opt,name=installationID"`
	AdditionalURLs            []string `json:"additionalUrls,omitempty" protobuf:"bytes,27,rep,name=additionalUrls"`
	SyncWithReplaceAllowed    bool     `json:"syncWithReplaceAllowed,omitempty" protobuf:"varint,29,opt,name=syncWithReplaceAllowed"`
}
