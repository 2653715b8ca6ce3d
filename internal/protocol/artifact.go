package protocol

// ChartDetails is what a chart says of itself.
type ChartDetails struct {
	Description string `json:"description,omitempty" protobuf:"bytes,1,opt,name=description"`
	// Home is the URL of the project's page.
	Home string `json:"home,omitempty" protobuf:"bytes,2,opt,name=home"`
	// Maintainers are names with e-mail addresses in angle brackets.
	Maintainers []string `json:"maintainers,omitempty" protobuf:"bytes,3,rep,name=maintainers"`
}

// OCIMetadata is what the annotations of an OCI artifact say:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
type OCIMetadata struct {
	// CreatedAt is as the annotation has it, RFC 3339 usually.
	CreatedAt   string `json:"createdAt,omitempty" protobuf:"bytes,1,opt,name=createdAt"`
	Authors     string `json:"authors,omitempty" protobuf:"bytes,2,opt,name=authors"`
	ImageURL    string `json:"imageUrl,omitempty" protobuf:"bytes,3,opt,name=imageUrl"`
	DocsURL     string `json:"docsUrl,omitempty" protobuf:"bytes,4,opt,name=docsUrl"`
	SourceURL   string `json:"sourceUrl,omitempty" protobuf:"bytes,5,opt,name=sourceUrl"`
	Version     string `json:"version,omitempty" protobuf:"bytes,6,opt,name=version"`
	Description string `json:"description,omitempty" protobuf:"bytes,7,opt,name=description"`
}
