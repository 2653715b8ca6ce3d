package server

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// testTimeout bounds the test of one repository's connection.
const testTimeout = 10 * time.Second

func (s *Server) listRepositories(ctx context.Context, c *call, _ *protocol.RepoQuery) (*protocol.RepositoryList, error) {
	repositories, err := s.options.Settings.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	check := c.filter()
	list := &protocol.RepositoryList{Items: []*protocol.Repository{}}
	var tests sync.WaitGroup
	places := make(chan struct{}, 8)
	for _, repository := range repositories {
		if check(access.InProject(repository.Project, repository.URL)) != access.Allowed {
			continue
		}
		answer := toRepository(repository)
		list.Items = append(list.Items, answer)
		tests.Go(func() {
			places <- struct{}{}
			answer.ConnectionState = s.connectionState(ctx, repository)
			<-places
		})
	}
	tests.Wait()
	return list, nil
}

// repositorySecret finds the Secret that keeps a repository; nil if none does.
func (s *Server) repositorySecret(ctx context.Context, repo string) (*corev1.Secret, settings.Repository, error) {
	var secrets corev1.SecretList
	err := s.options.Client.List(ctx, &secrets, client.InNamespace(s.options.Namespace),
		client.MatchingLabels{settings.SecretTypeLabel: settings.SecretTypeRepository})
	if err != nil {
		return nil, settings.Repository{}, fmt.Errorf("listing repositories: %w", err)
	}
	for i := range secrets.Items {
		repository, err := settings.RepositoryFromSecret(&secrets.Items[i])
		if repository.URL != "" && event.NormalizeURL(repository.URL) == event.NormalizeURL(repo) {
			return &secrets.Items[i], repository, err
		}
	}
	return nil, settings.Repository{}, nil
}

// repository finds a repository and checks the row's permission on it.
func (s *Server) repository(ctx context.Context, c *call, repo string) (*corev1.Secret, settings.Repository, error) {
	secret, repository, err := s.repositorySecret(ctx, repo)
	if err != nil {
		return nil, repository, err
	}
	if secret == nil {
		if err := c.allow(repo); err != nil {
			return nil, repository, err
		}
		return nil, repository, fail(connect.CodeNotFound, fmt.Errorf("repo '%s' not found", publicURL(repo)))
	}
	return secret, repository, c.allow(access.InProject(repository.Project, repository.URL))
}

func (s *Server) getRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.Repository, error) {
	_, repository, err := s.repository(ctx, c, q.Repo)
	if err != nil {
		return nil, err
	}
	answer := toRepository(repository)
	answer.ConnectionState = s.connectionState(ctx, repository)
	return answer, nil
}

func (s *Server) createRepository(ctx context.Context, c *call, q *protocol.RepoCreateRequest) (*protocol.Repository, error) {
	if q.Repo == nil || q.Repo.Repo == "" {
		return nil, invalid("missing payload in request")
	}
	if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	secret, existing, err := s.repositorySecret(ctx, q.Repo.Repo)
	if err != nil {
		return nil, err
	}
	if secret != nil {
		if !q.Upsert {
			return nil, invalid("existing repository spec is different; use upsert flag to force update")
		}
		if err := c.require(access.Repositories, access.Update, access.InProject(existing.Project, existing.URL)); err != nil {
			return nil, err
		}
	}
	return s.writeRepository(ctx, secret, q.Repo)
}

func (s *Server) updateRepository(ctx context.Context, c *call, q *protocol.RepoUpdateRequest) (*protocol.Repository, error) {
	if q.Repo == nil {
		return nil, invalid("missing payload 'repo' in request")
	}
	secret, _, err := s.repository(ctx, c, q.Repo.Repo)
	if err != nil {
		return nil, err
	}
	if err := c.allow(access.InProject(q.Repo.Project, q.Repo.Repo)); err != nil {
		return nil, err
	}
	return s.writeRepository(ctx, secret, q.Repo)
}

func (s *Server) deleteRepository(ctx context.Context, c *call, q *protocol.RepoQuery) (*protocol.RepoResponse, error) {
	secret, _, err := s.repository(ctx, c, q.Repo)
	if err != nil {
		return nil, err
	}
	if err := s.options.Client.Delete(ctx, secret); err != nil {
		return nil, fmt.Errorf("deleting repository '%s': %w", publicURL(q.Repo), err)
	}
	return &protocol.RepoResponse{}, nil
}

func (s *Server) validateRepository(ctx context.Context, c *call, q *protocol.RepoAccessQuery) (*protocol.RepoResponse, error) {
	if err := c.allow(access.InProject(q.Project, q.Repo)); err != nil {
		return nil, err
	}
	repository := settings.Repository{
		URL: q.Repo, Type: q.Type, Name: q.Name, Username: q.Username, Password: q.Password, SSHPrivateKey: q.SSHPrivateKey,
		BearerToken: q.BearerToken, Insecure: q.Insecure, TLSClientCertData: q.TLSClientCertData, TLSClientCertKey: q.TLSClientCertKey,
		EnableOCI: q.EnableOCI, Proxy: q.Proxy, ForceHTTPBasicAuth: q.ForceHTTPBasicAuth,
	}
	return &protocol.RepoResponse{}, s.testRepository(ctx, repository)
}

// testRepository tells whether a repository answers. Of a registry nothing is asked: there is no question that all answer.
func (s *Server) testRepository(ctx context.Context, repository settings.Repository) error {
	if s.options.Sources == nil || repository.Type == "oci" || repository.EnableOCI {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	if err := s.options.Sources.Test(ctx, repository); err != nil {
		return invalid(fmt.Sprintf("Unable to connect to repository: %v", err))
	}
	return nil
}

func (s *Server) connectionState(ctx context.Context, repository settings.Repository) protocol.ConnectionState {
	now := metav1.NewTime(s.options.Clock.Now())
	state := protocol.ConnectionState{Status: protocol.ConnectionSuccessful, ModifiedAt: &now}
	var coded *connect.Error
	if err := s.testRepository(ctx, repository); errors.As(err, &coded) {
		state.Status, state.Message = protocol.ConnectionFailed, coded.Message()
	}
	return state
}

// writeRepository keeps a repository as a Secret in Argo CD's form, in place of the given one, or as a new one.
func (s *Server) writeRepository(ctx context.Context, secret *corev1.Secret, repo *protocol.Repository) (*protocol.Repository, error) {
	create := secret == nil
	if create {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.options.Namespace, Name: secretName("repo", hostOf(repo.Repo), event.NormalizeURL(repo.Repo)),
			Labels:      map[string]string{settings.SecretTypeLabel: settings.SecretTypeRepository},
			Annotations: map[string]string{"managed-by": "argocd.argoproj.io"},
		}}
	}
	secret.Data = map[string][]byte{"url": []byte(repo.Repo)}
	setText(secret, map[string]string{
		"type": repo.Type, "name": repo.Name, "project": repo.Project, "username": repo.Username, "password": repo.Password,
		"bearerToken": repo.BearerToken, "sshPrivateKey": repo.SSHPrivateKey, "tlsClientCertData": repo.TLSClientCertData,
		"tlsClientCertKey": repo.TLSClientCertKey, "githubAppPrivateKey": repo.GithubAppPrivateKey,
		"githubAppEnterpriseBaseUrl": repo.GithubAppEnterpriseBaseURL, "proxy": repo.Proxy, "noProxy": repo.NoProxy,
		"githubAppID": number(repo.GithubAppID), "githubAppInstallationID": number(repo.GithubAppInstallationID),
		"insecure": flag(repo.Insecure), "insecureIgnoreHostKey": flag(repo.InsecureIgnoreHostKey), "enableLfs": flag(repo.EnableLFS),
		"enableOCI": flag(repo.EnableOCI), "forceHttpBasicAuth": flag(repo.ForceHTTPBasicAuth),
		"insecureOCIForceHttp": flag(repo.InsecureOCIForceHTTP),
	})
	written, err := settings.RepositoryFromSecret(secret)
	if err != nil {
		return nil, invalid(err.Error())
	}
	if err := s.testRepository(ctx, written); err != nil {
		return nil, err
	}
	if create {
		err = s.options.Client.Create(ctx, secret)
	} else {
		err = s.options.Client.Update(ctx, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("writing repository '%s': %w", publicURL(repo.Repo), err)
	}
	answer := toRepository(written)
	now := metav1.NewTime(s.options.Clock.Now())
	answer.ConnectionState = protocol.ConnectionState{Status: protocol.ConnectionSuccessful, ModifiedAt: &now}
	return answer, nil
}

func flag(set bool) string {
	if set {
		return "true"
	}
	return ""
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// toRepository is a repository as it may be shown: without credentials.
func toRepository(r settings.Repository) *protocol.Repository {
	return &protocol.Repository{
		Repo: publicURL(r.URL), Type: r.Type, Name: r.Name, Project: r.Project, Username: r.Username, Insecure: r.Insecure,
		EnableLFS: r.EnableLFS, EnableOCI: r.EnableOCI, GithubAppID: r.GitHubAppID, GithubAppInstallationID: r.GitHubAppInstallationID,
		GithubAppEnterpriseBaseURL: r.GitHubAppEnterpriseBaseURL, Proxy: publicURL(r.Proxy), NoProxy: r.NoProxy,
		ForceHTTPBasicAuth: r.ForceHTTPBasicAuth, InsecureOCIForceHTTP: r.InsecureOCIForceHTTP,
	}
}

// publicURL is a URL without a password in it.
func publicURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	if _, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

func hostOf(address string) string {
	host, _, _ := strings.Cut(event.NormalizeURL(address), "/")
	if name, _, ok := strings.Cut(host, ":"); ok {
		return name
	}
	return host
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// secretName is kind-host-hash, as Argo CD names its Secrets.
func secretName(kind, host, key string) string {
	hash := fnv.New32a()
	hash.Write([]byte(key))
	host = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(host), "-"), "-")
	if len(host) > 60 {
		host = host[:60]
	}
	return strings.ReplaceAll(fmt.Sprintf("%s-%s-%d", kind, host, hash.Sum32()), "--", "-")
}
