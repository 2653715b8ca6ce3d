package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// The types of certificates.
const (
	certSSH = "ssh"
	certTLS = "https"
)

// changeConfigMap edits the data of one of the hub's ConfigMaps, which is made if it isn't there, and again if somebody else
// did meanwhile.
func (s *Server) changeConfigMap(ctx context.Context, name string, edit func(data map[string]string) error) error {
	for attempt := 0; ; attempt++ {
		var configMap corev1.ConfigMap
		err := s.options.Live.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: name}, &configMap)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading ConfigMap %s: %w", name, err)
		}
		missing := err != nil
		if configMap.Data == nil {
			configMap.Data = map[string]string{}
		}
		before := maps.Clone(configMap.Data)
		if err := edit(configMap.Data); err != nil {
			return err
		}
		if maps.Equal(before, configMap.Data) {
			return nil
		}
		if missing {
			configMap.ObjectMeta = metav1.ObjectMeta{
				Namespace: s.options.Namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"},
			}
			err = s.options.Client.Create(ctx, &configMap)
		} else {
			err = s.options.Client.Update(ctx, &configMap)
		}
		if err == nil || attempt == maxConflicts || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
}

// wantsCert tells whether a query asks for certificates of a type; tls is another word for https.
func wantsCert(q *protocol.CertificateQuery, certType string) bool {
	return q.CertType == "" || q.CertType == "*" || q.CertType == certType || certType == certTLS && q.CertType == "tls"
}

func wantsHost(q *protocol.CertificateQuery, host settings.KnownHost) bool {
	return settings.HostMatches(host.Host, q.HostNamePattern) && (q.CertSubType == "" || q.CertSubType == "*" || q.CertSubType == host.Type)
}

func (s *Server) listCertificates(ctx context.Context, c *call, q *protocol.CertificateQuery) (*protocol.RepositoryCertificateList, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	list := &protocol.RepositoryCertificateList{Items: []protocol.RepositoryCertificate{}}
	if wantsCert(q, certSSH) {
		data, err := s.options.Settings.ConfigMap(ctx, settings.KnownHostsConfigMap)
		if err != nil {
			return nil, err
		}
		hosts, err := settings.KnownHosts(data[settings.KnownHostsKey])
		if err != nil {
			return nil, err
		}
		for _, host := range hosts {
			if wantsHost(q, host) {
				fingerprint, _ := host.Fingerprint() // of what isn't a key there is none
				list.Items = append(list.Items, protocol.RepositoryCertificate{
					ServerName: host.Host, CertType: certSSH, CertSubType: host.Type, CertInfo: fingerprint,
				})
			}
		}
	}
	if !wantsCert(q, certTLS) {
		return list, nil
	}
	data, err := s.options.Settings.ConfigMap(ctx, settings.TLSCertsConfigMap)
	if err != nil {
		return nil, err
	}
	for _, host := range slices.Sorted(maps.Keys(data)) {
		if !settings.HostMatches(host, q.HostNamePattern) {
			continue
		}
		certificates, err := settings.Certificates(data[host])
		if err != nil {
			return nil, err
		}
		for _, certificate := range certificates {
			list.Items = append(list.Items, protocol.RepositoryCertificate{
				ServerName: host, CertType: certTLS, CertSubType: certificate.Algorithm, CertInfo: certificate.Subject,
			})
		}
	}
	return list, nil
}

// createCertificates adds all certificates of a request, or none.
func (s *Server) createCertificates(ctx context.Context, c *call, q *protocol.CertificateCreateRequest) (*protocol.RepositoryCertificateList, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	if q.Certificates == nil {
		return nil, invalid("the request has no certificates")
	}
	var ssh, tls []protocol.RepositoryCertificate
	for _, certificate := range q.Certificates.Items {
		if certificate.CertType != certSSH && certificate.CertType != certTLS {
			return nil, fmt.Errorf("unknown certificate type: %s", certificate.CertType)
		}
		if err := settings.CheckHost(certificate.ServerName, certificate.CertType == certSSH); err != nil {
			return nil, err
		}
		if certificate.CertType == certSSH {
			ssh = append(ssh, certificate)
		} else {
			tls = append(tls, certificate)
		}
	}
	created := &protocol.RepositoryCertificateList{Items: []protocol.RepositoryCertificate{}}
	add := func(name string, items []protocol.RepositoryCertificate, one func(map[string]string, protocol.RepositoryCertificate, bool) ([]protocol.RepositoryCertificate, error)) error {
		if len(items) == 0 {
			return nil
		}
		var added []protocol.RepositoryCertificate
		err := s.changeConfigMap(ctx, name, func(data map[string]string) error {
			added = nil
			for _, item := range items {
				more, err := one(data, item, q.Upsert)
				if err != nil {
					return err
				}
				added = append(added, more...)
			}
			return nil
		})
		created.Items = append(created.Items, added...)
		return err
	}
	if err := add(settings.KnownHostsConfigMap, ssh, addKnownHost); err != nil {
		return nil, err
	}
	if err := add(settings.TLSCertsConfigMap, tls, addTLS); err != nil {
		return nil, err
	}
	return created, nil
}

func addKnownHost(data map[string]string, certificate protocol.RepositoryCertificate, upsert bool) ([]protocol.RepositoryCertificate, error) {
	host := settings.KnownHost{Host: certificate.ServerName, Type: certificate.CertSubType, Key: string(certificate.CertData)}
	fingerprint, err := host.Fingerprint()
	if err != nil {
		return nil, err
	}
	hosts, err := settings.KnownHosts(data[settings.KnownHostsKey])
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(hosts, func(h settings.KnownHost) bool { return h.Host == host.Host && h.Type == host.Type })
	switch {
	case at < 0:
		hosts = append(hosts, host)
	case hosts[at].Key == host.Key:
		return nil, nil
	case !upsert:
		return nil, fmt.Errorf("key for '%s' (subtype: '%s') already exists, and upsert was not specified", host.Host, host.Type)
	default:
		hosts[at] = host
	}
	data[settings.KnownHostsKey] = knownHostLines(hosts)
	certificate.CertInfo = fingerprint
	return []protocol.RepositoryCertificate{certificate}, nil
}

func knownHostLines(hosts []settings.KnownHost) string {
	var text strings.Builder
	for _, host := range hosts {
		text.WriteString(host.Line() + "\n")
	}
	return text.String()
}

func addTLS(data map[string]string, certificate protocol.RepositoryCertificate, upsert bool) ([]protocol.RepositoryCertificate, error) {
	text := string(certificate.CertData)
	before, exists := data[certificate.ServerName]
	if exists && before != text && !upsert {
		return nil, fmt.Errorf("TLS certificate for server '%s' already exists, and upsert was not specified", certificate.ServerName)
	}
	certificates, err := settings.Certificates(text)
	if err != nil {
		return nil, err
	}
	if len(certificates) == 0 {
		return nil, errors.New("no valid PEM data received")
	}
	var added []protocol.RepositoryCertificate
	for _, c := range certificates {
		if c.Algorithm == "invalid" {
			return nil, errors.New(c.Subject)
		}
		added = append(added, protocol.RepositoryCertificate{ServerName: certificate.ServerName, CertType: certTLS, CertData: []byte(c.PEM)})
	}
	if exists && before == text {
		return nil, nil
	}
	data[certificate.ServerName] = text
	return added, nil
}

func (s *Server) deleteCertificates(ctx context.Context, c *call, q *protocol.CertificateQuery) (*protocol.RepositoryCertificateList, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	var ssh, tls []protocol.RepositoryCertificate
	if wantsCert(q, certSSH) {
		err := s.changeConfigMap(ctx, settings.KnownHostsConfigMap, func(data map[string]string) error {
			ssh = nil
			hosts, err := settings.KnownHosts(data[settings.KnownHostsKey])
			if err != nil {
				return err
			}
			kept := slices.DeleteFunc(slices.Clone(hosts), func(host settings.KnownHost) bool { return wantsHost(q, host) })
			for _, host := range hosts {
				if wantsHost(q, host) {
					ssh = append(ssh, protocol.RepositoryCertificate{
						ServerName: host.Host, CertType: certSSH, CertSubType: host.Type, CertData: []byte(host.Key),
					})
				}
			}
			if len(ssh) > 0 {
				data[settings.KnownHostsKey] = knownHostLines(kept)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if wantsCert(q, certTLS) {
		err := s.changeConfigMap(ctx, settings.TLSCertsConfigMap, func(data map[string]string) error {
			tls = nil
			for _, host := range slices.Sorted(maps.Keys(data)) {
				if !settings.HostMatches(host, q.HostNamePattern) {
					continue
				}
				certificates, err := settings.Certificates(data[host])
				if err != nil {
					return err
				}
				for _, certificate := range certificates {
					tls = append(tls, protocol.RepositoryCertificate{ServerName: host, CertType: certTLS, CertData: []byte(certificate.PEM)})
				}
				delete(data, host)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return &protocol.RepositoryCertificateList{Items: slices.Concat([]protocol.RepositoryCertificate{}, ssh, tls)}, nil
}
