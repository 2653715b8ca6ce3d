package server

import (
	"fairlead.dev/fairlead/internal/access"
	p "fairlead.dev/fairlead/internal/protocol"
)

// securityTable has the certificates and keys that repositories are trusted by. Their permissions are of all or none: policies
// see no object's name, as upstream's don't.
func (s *Server) securityTable() []row {
	return []row{
		unary(p.CertificateList, may(access.Certificates, access.Get), s.listCertificates, get("/api/v1/certificates")),
		unary(p.CertificateCreate, may(access.Certificates, access.Create), s.createCertificates, post("/api/v1/certificates", "certificates")),
		unary(p.CertificateDelete, may(access.Certificates, access.Delete), s.deleteCertificates, deletion("/api/v1/certificates")),

		unary(p.GPGKeyGetList, may(access.GPGKeys, access.Get), s.listGPGKeys, get("/api/v1/gpgkeys")),
		unary(p.GPGKeyGet, may(access.GPGKeys, access.Get), s.getGPGKey, get("/api/v1/gpgkeys/{keyID}")),
		unary(p.GPGKeyCreate, may(access.GPGKeys, access.Create), s.createGPGKeys, post("/api/v1/gpgkeys", "publickey")),
		unary(p.GPGKeyDelete, may(access.GPGKeys, access.Delete), s.deleteGPGKey, deletion("/api/v1/gpgkeys")),

		unary(p.NotificationTriggers, signedIn, s.namesOf("trigger.", itself), get("/api/v1/notifications/triggers")),
		unary(p.NotificationServices, signedIn, s.namesOf("service.", serviceName), get("/api/v1/notifications/services")),
		unary(p.NotificationTemplates, signedIn, s.namesOf("template.", itself), get("/api/v1/notifications/templates")),
	}
}
