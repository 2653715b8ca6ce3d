package protocol

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RepositoryCertificate is a certificate of an HTTPS server, or the key of an SSH server.
type RepositoryCertificate struct {
	// ServerName is the host's name; [name]:port for SSH on a port of its own.
	ServerName string `json:"serverName" protobuf:"bytes,1,opt,name=serverName"`
	// CertType is "https" or "ssh"; CertSubType is a key's algorithm, such as ssh-ed25519.
	CertType    string `json:"certType" protobuf:"bytes,2,opt,name=certType"`
	CertSubType string `json:"certSubType" protobuf:"bytes,3,opt,name=certSubType"`
	// CertData is PEM for HTTPS, and the key in base64 for SSH.
	CertData []byte `json:"certData" protobuf:"bytes,4,opt,name=certData"`
	// CertInfo is the certificate's subject, or the key's fingerprint.
	CertInfo string `json:"certInfo" protobuf:"bytes,5,opt,name=certInfo"`
}

// RepositoryCertificateList is a list of certificates.
type RepositoryCertificateList struct {
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Items           []RepositoryCertificate `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// CertificateQuery selects certificates; what is empty selects all.
type CertificateQuery struct {
	// HostNamePattern is a file glob.
	HostNamePattern string `json:"hostNamePattern,omitempty" protobuf:"bytes,1,opt,name=hostNamePattern"`
	CertType        string `json:"certType,omitempty" protobuf:"bytes,2,opt,name=certType"`
	CertSubType     string `json:"certSubType,omitempty" protobuf:"bytes,3,opt,name=certSubType"`
}

// CertificateCreateRequest adds certificates; Upsert replaces those that differ.
type CertificateCreateRequest struct {
	Certificates *RepositoryCertificateList `json:"certificates,omitempty" protobuf:"bytes,1,opt,name=certificates"`
	Upsert       bool                       `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
}

// GPGKey is a public key.
type GPGKey struct {
	// KeyID has 16 hexadecimal digits, Fingerprint 40.
	KeyID       string `json:"keyID" protobuf:"bytes,1,opt,name=keyID"`
	Fingerprint string `json:"fingerprint,omitempty" protobuf:"bytes,2,opt,name=fingerprint"`
	Owner       string `json:"owner,omitempty" protobuf:"bytes,3,opt,name=owner"`
	Trust       string `json:"trust,omitempty" protobuf:"bytes,4,opt,name=trust"`
	// SubType is gpg's name of the algorithm, such as rsa4096.
	SubType string `json:"subType,omitempty" protobuf:"bytes,5,opt,name=subType"`
	// KeyData is the armored key.
	KeyData string `json:"keyData,omitempty" protobuf:"bytes,6,opt,name=keyData"`
}

// GPGKeyList is a list of public keys.
type GPGKeyList struct {
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Items           []GPGKey `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// GPGKeyQuery names a key.
type GPGKeyQuery struct {
	KeyID string `json:"keyID,omitempty" protobuf:"bytes,1,opt,name=keyID"`
}

// GPGKeyCreateRequest adds the keys in KeyData.
type GPGKeyCreateRequest struct {
	PublicKey *GPGKey `json:"publickey,omitempty" protobuf:"bytes,1,opt,name=publickey"`
	Upsert    bool    `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
}

// GPGKeyCreateResponse tells what was added, and the ids of keys that were there.
type GPGKeyCreateResponse struct {
	Created *GPGKeyList `json:"created,omitempty" protobuf:"bytes,1,opt,name=created"`
	Skipped []string    `json:"skipped,omitempty" protobuf:"bytes,2,rep,name=skipped"`
}

// GPGKeyResponse is an empty answer.
type GPGKeyResponse struct{}

// NotificationQuery asks for the triggers, services or templates of notifications.
type NotificationQuery struct{}

// NotificationName is the name of one of them.
type NotificationName struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,req,name=name"`
}

// NotificationNames is a list of them.
type NotificationNames struct {
	Items []*NotificationName `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// Certificates, keys and notifications.
const (
	CertificateList   Unary[CertificateQuery, RepositoryCertificateList]         = "/certificate.CertificateService/ListCertificates"
	CertificateCreate Unary[CertificateCreateRequest, RepositoryCertificateList] = "/certificate.CertificateService/CreateCertificate"
	CertificateDelete Unary[CertificateQuery, RepositoryCertificateList]         = "/certificate.CertificateService/DeleteCertificate"

	GPGKeyGetList Unary[GPGKeyQuery, GPGKeyList]                   = "/gpgkey.GPGKeyService/List"
	GPGKeyGet     Unary[GPGKeyQuery, GPGKey]                       = "/gpgkey.GPGKeyService/Get"
	GPGKeyCreate  Unary[GPGKeyCreateRequest, GPGKeyCreateResponse] = "/gpgkey.GPGKeyService/Create"
	GPGKeyDelete  Unary[GPGKeyQuery, GPGKeyResponse]               = "/gpgkey.GPGKeyService/Delete"

	NotificationTriggers  Unary[NotificationQuery, NotificationNames] = "/notification.NotificationService/ListTriggers"
	NotificationServices  Unary[NotificationQuery, NotificationNames] = "/notification.NotificationService/ListServices"
	NotificationTemplates Unary[NotificationQuery, NotificationNames] = "/notification.NotificationService/ListTemplates"
)
