package protocol

// ListAppLinksRequest names an application.
type ListAppLinksRequest struct {
	Name      string `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,3,opt,name=namespace"`
	Project   string `json:"project,omitempty" protobuf:"bytes,4,opt,name=project"`
}

// LinkInfo is a link to elsewhere.
type LinkInfo struct {
	Title       string  `json:"title" protobuf:"bytes,1,req,name=title"`
	URL         string  `json:"url" protobuf:"bytes,2,req,name=url"`
	Description *string `json:"description,omitempty" protobuf:"bytes,3,opt,name=description"`
	IconClass   *string `json:"iconClass,omitempty" protobuf:"bytes,4,opt,name=iconClass"`
}

// LinksResponse is links, in the order in which the operator gave them.
type LinksResponse struct {
	Items []*LinkInfo `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}
