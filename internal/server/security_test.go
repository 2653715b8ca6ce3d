package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

const (
	ed25519Key  = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	ed25519Hash = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
	otherKey    = "AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf"
)

// newCertificate is PEM of a certificate of its own.
func newCertificate(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: name}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (h *hub) configMap(name string) map[string]string {
	h.t.Helper()
	var configMap corev1.ConfigMap
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: name}, &configMap); err != nil {
		h.t.Fatal(err)
	}
	return configMap.Data
}

func TestCertificates(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	one, two := newCertificate(t, "one"), newCertificate(t, "two")
	ssh := func(host, key string) protocol.RepositoryCertificate {
		return protocol.RepositoryCertificate{ServerName: host, CertType: "ssh", CertSubType: "ssh-ed25519", CertData: []byte(key)}
	}
	tls := func(host, data string) protocol.RepositoryCertificate {
		return protocol.RepositoryCertificate{ServerName: host, CertType: "https", CertData: []byte(data)}
	}
	create := func(upsert bool, items ...protocol.RepositoryCertificate) (string, error) {
		t.Helper()
		answer, err := hubclient.Call(ctx, admin, protocol.CertificateCreate, &protocol.CertificateCreateRequest{
			Certificates: &protocol.RepositoryCertificateList{Items: items}, Upsert: upsert,
		})
		if err != nil {
			return "", err
		}
		return certLines(answer), nil
	}
	want := func(what, got string, err error, want string) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", what, got, err, want)
		}
	}
	got, err := create(false, ssh("git.example", ed25519Key), ssh("[git.example]:2222", ed25519Key), tls("git.example", one+two))
	want("create", got, err, "ssh git.example ssh-ed25519 "+ed25519Hash+", ssh [git.example]:2222 ssh-ed25519 "+ed25519Hash+", https git.example  , https git.example  ")
	got, err = create(false, ssh("git.example", ed25519Key), tls("git.example", one+two))
	want("create the same", got, err, "")
	_, err = create(false, ssh("git.example", otherKey))
	wantCode(t, err, connect.CodeUnknown, "key for 'git.example' (subtype: 'ssh-ed25519') already exists, and upsert was not specified")
	_, err = create(false, tls("git.example", one))
	wantCode(t, err, connect.CodeUnknown, "TLS certificate for server 'git.example' already exists, and upsert was not specified")
	got, err = create(true, ssh("git.example", otherKey), tls("git.example", one))
	want("upsert", got, err, "ssh git.example ssh-ed25519 SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8, https git.example  ")
	list := func(q protocol.CertificateQuery) string {
		t.Helper()
		answer, err := hubclient.Call(ctx, admin, protocol.CertificateList, &q)
		if err != nil {
			t.Fatal(err)
		}
		return certLines(answer)
	}
	if got := list(protocol.CertificateQuery{CertType: "https"}); got != "https git.example ecdsa CN=one" {
		t.Error(got)
	}
	if got := list(protocol.CertificateQuery{HostNamePattern: "[git.*]:2222"}); got != "ssh [git.example]:2222 ssh-ed25519 "+ed25519Hash {
		t.Error(got)
	}
	for name, bad := range map[string]protocol.RepositoryCertificate{
		"unknown certificate type: ftp":                           {ServerName: "git.example", CertType: "ftp"},
		"invalid hostname in request: ../etc":                     tls("../etc", one),
		"invalid hostname in request: a b":                        ssh("a b", ed25519Key),
		"invalid hostname in request: x\nevil":                    ssh("x\nevil", ed25519Key),
		"no valid PEM data received":                              tls("other", "nothing"),
		"could not parse X509 data from input":                    tls("other", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"a key of a known host has one line":                      ssh("other", ed25519Key+"\nevil ssh-ed25519 "+otherKey),
		"invalid hostname in request: " + strings.Repeat("a", 64): tls(strings.Repeat("a", 64), one),
	} {
		_, err := create(false, ssh("fresh.example", ed25519Key), bad)
		wantCode(t, err, connect.CodeUnknown, name)
	}
	if text := h.configMap(settings.KnownHostsConfigMap)[settings.KnownHostsKey]; strings.Contains(text, "evil") || strings.Count(text, "\n") > 3 {
		t.Errorf("known hosts are now %q", text)
	}
	answer, err := hubclient.Call(ctx, admin, protocol.CertificateDelete, &protocol.CertificateQuery{HostNamePattern: "git.example"})
	if err != nil || certLines(answer) != "ssh git.example ssh-ed25519 , https git.example  " {
		t.Errorf("deleted %s, %v", certLines(answer), err)
	}
	if data := h.configMap(settings.TLSCertsConfigMap); len(data) != 0 {
		t.Errorf("left over: %v", data)
	}
	_, err = hubclient.Call(ctx, h.as("developer"), protocol.CertificateList, &protocol.CertificateQuery{})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: certificates, get, , sub: developer, iat: ")
	if status, answer := h.rest("admin", http.MethodGet, "/api/v1/certificates?hostNamePattern=none&certType=ssh", ""); status != 200 || !strings.Contains(answer, `"items":[]`) {
		t.Errorf("REST: %d %s", status, answer)
	}
}

func certLines(list *protocol.RepositoryCertificateList) string {
	var lines []string
	for _, c := range list.Items {
		lines = append(lines, strings.Join([]string{c.CertType, c.ServerName, c.CertSubType, c.CertInfo}, " "))
	}
	return strings.Join(lines, ", ")
}

// newPublicKey is an armored key.
func newPublicKey(t *testing.T, name string, private bool) string {
	t.Helper()
	entity, err := openpgp.NewEntity(name, "", name+"@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	kind := openpgp.PublicKeyType
	if private {
		kind = openpgp.PrivateKeyType
	}
	w, err := armor.Encode(&text, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if private {
		err = entity.SerializePrivate(w, nil)
	} else {
		err = entity.Serialize(w)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return text.String() + "\n"
}

func TestGPGKeys(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	create := func(text string) (*protocol.GPGKeyCreateResponse, error) {
		return hubclient.Call(ctx, admin, protocol.GPGKeyCreate, &protocol.GPGKeyCreateRequest{PublicKey: &protocol.GPGKey{KeyData: text}})
	}
	ann, bob := newPublicKey(t, "Ann", false), newPublicKey(t, "Bob", false)
	added, err := create(ann)
	if err != nil || len(added.Created.Items) != 1 || len(added.Skipped) != 0 {
		t.Fatalf("got %+v, %v", added, err)
	}
	key := added.Created.Items[0]
	if len(key.KeyID) != 16 || !strings.HasSuffix(key.Fingerprint, key.KeyID) || key.Owner != "Ann <Ann@example.com>" || key.SubType != "ed25519" || key.Trust != "unknown" {
		t.Errorf("got %+v", key)
	}
	added, err = create(ann + bob)
	if err != nil || len(added.Created.Items) != 1 || len(added.Skipped) != 1 || added.Skipped[0] != key.KeyID {
		t.Errorf("both: %+v, %v", added, err)
	}
	list, err := hubclient.Call(ctx, admin, protocol.GPGKeyGetList, &protocol.GPGKeyQuery{})
	if err != nil || len(list.Items) != 2 || list.Items[0].KeyData != "" || list.Items[0].Owner == "" {
		t.Errorf("list: %+v, %v", list, err)
	}
	for _, id := range []string{key.KeyID, key.Fingerprint, strings.ToLower(key.Fingerprint)} {
		got, err := hubclient.Call(ctx, admin, protocol.GPGKeyGet, &protocol.GPGKeyQuery{KeyID: id})
		if err != nil || !strings.Contains(got.KeyData, "PUBLIC KEY BLOCK") || got.Owner != key.Owner {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	_, err = hubclient.Call(ctx, admin, protocol.GPGKeyGet, &protocol.GPGKeyQuery{KeyID: "xyz"})
	wantCode(t, err, connect.CodeUnknown, "'xyz' is not a valid GnuPG key ID")
	_, err = hubclient.Call(ctx, admin, protocol.GPGKeyGet, &protocol.GPGKeyQuery{KeyID: "0000000000000000"})
	wantCode(t, err, connect.CodeUnknown, "no such key: 0000000000000000")
	for text, want := range map[string]string{
		" ": "submitted key data is empty", "nothing": "has no armored public key", newPublicKey(t, "Eve", true): "private key",
		strings.Replace(ann, "\n\n", "\n\nAAAA", 1): "error validating PGP keys from input",
	} {
		_, err := create(text)
		wantCode(t, err, connect.CodeUnknown, want)
	}
	if _, err = hubclient.Call(ctx, admin, protocol.GPGKeyDelete, &protocol.GPGKeyQuery{KeyID: key.KeyID}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.GPGKeyDelete, &protocol.GPGKeyQuery{KeyID: key.KeyID})
	wantCode(t, err, connect.CodeUnknown, "no such key configured: "+key.KeyID)
	if data := h.configMap(settings.GPGKeysConfigMap); len(data) != 1 {
		t.Errorf("left are %d keys", len(data))
	}
}

func TestNotifications(t *testing.T) {
	h := newHub(t)
	for _, what := range []string{"triggers", "services", "templates"} {
		if status, answer := h.rest("stranger", http.MethodGet, "/api/v1/notifications/"+what, ""); status != 200 || answer != "{}" {
			t.Errorf("without configuration: %d %s", status, answer)
		}
	}
	if err := h.client.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: settings.NotificationsConfigMap},
		Data: map[string]string{
			"trigger.on-created": "x", "template.app-created": "y", "template.b": "y", "service.webhook.test": "url: x", "service.slack": "token: $t", "context": "",
		},
	}); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{"triggers": "on-created", "services": "slack test", "templates": "app-created b"} {
		procedure := map[string]protocol.Unary[protocol.NotificationQuery, protocol.NotificationNames]{
			"triggers": protocol.NotificationTriggers, "services": protocol.NotificationServices, "templates": protocol.NotificationTemplates,
		}[what]
		list, err := hubclient.Call(ctx, h.as("stranger"), procedure, &protocol.NotificationQuery{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range list.Items {
			names = append(names, item.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	h := newHub(t)
	h.configure(settings.CmdParamsConfigMap, map[string]string{settings.ApplicationNamespacesKey: "team-*"})
	h.configure(settings.ConfigMapName, map[string]string{
		"url": "https://cd.example", "additionalUrls": "- https://other.example\n", "statusbadge.enabled": "true", "exec.enabled": "true",
		"kustomize.version.v4": "/bin/x", "help.chatUrl": "https://chat", "help.download.linux-amd64": "https://dl", "ui.bannercontent": "secret banner",
		"resource.customizations.health.apps_Deployment":              "return {}",
		"resource.customizations.ignoreDifferences.all":               "jqPathExpressions: [.a]",
		"resource.customizations.useOpenLibs.example.com_Broken":      "perhaps",
		"resource.customizations.knownTypeFields.argoproj.io_Rollout": "- {field: spec.template.spec, type: core/v1/PodSpec}",
	})
	public, err := hubclient.Call(ctx, h.as(""), protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil || public.URL != "https://cd.example" || public.UIBannerContent != "" || public.ResourceOverrides != nil || public.PasswordPattern != "" ||
		public.ControllerNamespace != "" || public.TrackingMethod != "annotation" || public.Help.ChatText != "Chat now!" || !public.StatusBadgeEnabled ||
		!public.AppsInAnyNamespaceEnabled || public.AdditionalURLs[0] != "https://other.example" || public.KustomizeVersions[0] != "v4" || public.UserLoginsDisabled {
		t.Errorf("in public: %+v, %v", public, err)
	}
	known, err := hubclient.Call(ctx, h.as("stranger"), protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil || known.UIBannerContent == "" || known.ControllerNamespace != "argocd" || known.PasswordPattern != ".+" {
		t.Errorf("logged on: %+v, %v", known, err)
	}
	all := known.ResourceOverrides["*/*"]
	if all == nil || strings.Join(all.IgnoreDifferences.JSONPointers, " ") != "/status" || strings.Join(all.IgnoreDifferences.JQPathExpressions, " ") != ".a" ||
		known.ResourceOverrides["apps/Deployment"].HealthLua != "return {}" || known.ResourceOverrides["example.com/Broken"] != nil ||
		known.ResourceOverrides["argoproj.io/Rollout"].KnownTypeFields[0].Type != "core/v1/PodSpec" {
		t.Errorf("overrides: %+v", known.ResourceOverrides)
	}
	if _, answer := h.rest("stranger", http.MethodGet, "/api/v1/settings", ""); !strings.Contains(answer, `"apps/Deployment":{"health.lua":"return {}"`) {
		t.Errorf("over REST: %s", answer)
	}
}
