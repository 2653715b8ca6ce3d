package protocol

// ApplicationManifestsWithFiles renders an application from files that the caller sends, as a gzipped tar archive in pieces,
// in the place of its first source's.
const ApplicationManifestsWithFiles Upload[ApplicationManifestQueryWithFilesWrapper, ManifestResponse] = "/application.ApplicationService/GetManifestsWithFiles"

// ApplicationManifestQueryWithFilesWrapper is the query, which comes first, or a piece of the archive.
type ApplicationManifestQueryWithFilesWrapper struct {
	Query *ApplicationManifestQueryWithFiles `json:"query,omitempty" protobuf:"bytes,1,opt,name=query"`
	Chunk *FileChunk                         `json:"chunk,omitempty" protobuf:"bytes,2,opt,name=chunk"`
}

// ApplicationManifestQueryWithFiles says for which application the files are.
type ApplicationManifestQueryWithFiles struct {
	Name string `json:"name" protobuf:"bytes,1,req,name=name"`
	// Checksum is the archive's SHA-256 in hexadecimal.
	Checksum     string `json:"checksum" protobuf:"bytes,2,req,name=checksum"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,3,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,4,opt,name=project"`
}

// FileChunk is a piece of an archive.
type FileChunk struct {
	Chunk []byte `json:"chunk" protobuf:"bytes,1,req,name=chunk"`
}
