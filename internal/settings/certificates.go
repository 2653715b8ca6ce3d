package settings

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxCertificates bounds the certificates of one host, and the keys in known_hosts, as upstream does.
const maxCertificates = 256

// KnownHost is a line of ssh's known_hosts.
type KnownHost struct {
	// Host is a name, or [name]:port; Type is the key's algorithm and Key the key in base64, with whatever comment follows.
	Host, Type, Key string
}

// KnownHosts reads the lines of known_hosts that name a host, an algorithm and a key; others are left out.
func KnownHosts(text string) ([]KnownHost, error) {
	var hosts []KnownHost
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		fields := strings.SplitN(line, " ", 3)
		if strings.HasPrefix(line, "#") || len(fields) != 3 {
			continue
		}
		if len(hosts) == maxCertificates {
			return nil, fmt.Errorf("reading known hosts: there are more than %d keys", maxCertificates)
		}
		hosts = append(hosts, KnownHost{fields[0], fields[1], fields[2]})
	}
	return hosts, nil
}

// Line is the host's line in known_hosts.
func (h KnownHost) Line() string { return h.Host + " " + h.Type + " " + h.Key }

// Fingerprint is the key's, as ssh-keygen writes it: SHA256:…. The error says what is wrong with the line.
func (h KnownHost) Fingerprint() (string, error) {
	if strings.ContainsAny(h.Host+h.Type+h.Key, "\r\n") {
		return "", errors.New("a key of a known host has one line")
	}
	_, _, key, _, _, err := ssh.ParseKnownHosts([]byte(h.Line()))
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(key.Marshal())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(hash[:]), nil
}

// Certificate is one of a host's.
type Certificate struct {
	PEM string
	// Subject is the certificate's, Algorithm that of its key, in lower case; where it can't be read, what is wrong, and
	// "invalid".
	Subject, Algorithm string
}

// Certificates reads the PEM blocks of certificates in a text, and leaves out all between them.
func Certificates(text string) ([]Certificate, error) {
	var list []Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return list, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(list) == maxCertificates {
			return nil, fmt.Errorf("reading certificates: there are more than %d", maxCertificates)
		}
		c := Certificate{PEM: string(pem.EncodeToMemory(block)), Subject: "could not parse X509 data from input", Algorithm: "invalid"}
		if parsed, err := x509.ParseCertificate(block.Bytes); err == nil {
			c.Subject, c.Algorithm = parsed.Subject.String(), strings.ToLower(parsed.PublicKeyAlgorithm.String())
		}
		list = append(list, c)
	}
}

var (
	hostName = regexp.MustCompile(`^([a-zA-Z0-9]|[a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_])(\.([a-zA-Z0-9]|[a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9]))*\.?$`)
	ipv6     = regexp.MustCompile(`^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%[0-9a-zA-Z]+)?$`)
	withPort = regexp.MustCompile(`^\[(.*)]:\d+$`)
)

// CheckHost tells whether a name can be a host's; port says that [name]:port may be too.
func CheckHost(name string, port bool) error {
	if match := withPort.FindStringSubmatch(name); port && match != nil {
		name = match[1]
	}
	if len(name) > 253 || !hostName.MatchString(name) && !ipv6.MatchString(name) {
		return fmt.Errorf("invalid hostname in request: %s", name)
	}
	return nil
}

// HostMatches tells whether a host is one of a file glob's; brackets stand for themselves, and an empty pattern is all.
func HostMatches(host, pattern string) bool {
	if pattern == "" {
		return true
	}
	matches, err := filepath.Match(strings.NewReplacer("[", `\[`, "]", `\]`).Replace(pattern), host)
	return err == nil && matches
}
