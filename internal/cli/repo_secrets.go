package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/protocol"
)

// repoSecrets are the flags with the credentials of a repository, or of a template of them; secrets that are long come from
// files.
type repoSecrets struct {
	passwordStdin                                       bool
	sshKey, certificate, certificateKey, appKey, gcpKey string
}

func (s *repoSecrets) flags(cmd *cobra.Command, repo *protocol.Repository) {
	flags := cmd.Flags()
	flags.StringVar(&repo.Type, "type", "git", "git, helm or oci")
	flags.StringVar(&repo.Username, "username", "", "user")
	flags.StringVar(&repo.Password, "password", "", "password or token; asked for if a user is given")
	flags.BoolVar(&s.passwordStdin, "password-stdin", false, "read the password from standard input")
	flags.StringVar(&repo.BearerToken, "bearer-token", "", "bearer token")
	flags.StringVar(&s.sshKey, "ssh-private-key-path", "", "file with an SSH private key")
	flags.StringVar(&s.certificate, "tls-client-cert-path", "", "file with a TLS client certificate in PEM form")
	flags.StringVar(&s.certificateKey, "tls-client-cert-key-path", "", "file with its key in PEM form")
	flags.Int64Var(&repo.GithubAppID, "github-app-id", 0, "ID of a GitHub App")
	flags.Int64Var(&repo.GithubAppInstallationID, "github-app-installation-id", 0, "ID of its installation; found out if not given")
	flags.StringVar(&s.appKey, "github-app-private-key-path", "", "file with the private key of a GitHub App")
	flags.StringVar(&repo.GithubAppEnterpriseBaseURL, "github-app-enterprise-base-url", "", "URL of the API of GitHub Enterprise")
	flags.StringVar(&s.gcpKey, "gcp-service-account-key-path", "", "file with the key of a service account of Google Cloud")
	flags.BoolVar(&repo.ForceHTTPBasicAuth, "force-http-basic-auth", false, "send user and password without being asked")
	flags.BoolVar(&repo.UseAzureWorkloadIdentity, "use-azure-workload-identity", false, "log in by Azure's workload identity")
	flags.BoolVar(&repo.EnableOCI, "enable-oci", false, "a Helm repository is an OCI registry")
	flags.BoolVar(&repo.InsecureOCIForceHTTP, "insecure-oci-force-http", false, "reach an OCI registry without TLS")
	flags.StringVar(&repo.AzureServicePrincipalTenantID, "azure-service-principal-tenant-id", "", "tenant of an Azure service principal")
	flags.StringVar(&repo.AzureServicePrincipalClientID, "azure-service-principal-client-id", "", "client of an Azure service principal")
	flags.StringVar(&repo.AzureServicePrincipalClientSecret, "azure-service-principal-client-secret", "", "secret of an Azure service principal")
	flags.StringVar(&repo.AzureActiveDirectoryEndpoint, "azure-active-directory-endpoint", "", "where Azure service principals log in, outside its public cloud")
}

// read reads the files, and tells what doesn't fit together.
func (s *repoSecrets) read(r *root, repo *protocol.Repository) error {
	if (s.certificate == "") != (s.certificateKey == "") {
		return errors.New("--tls-client-cert-path and --tls-client-cert-key-path must be specified together")
	}
	https := strings.HasPrefix(strings.ToLower(repo.Repo), "https://")
	for _, file := range []struct {
		flag, path string
		into       *string
	}{
		{"tls-client-cert-path", s.certificate, &repo.TLSClientCertData}, {"tls-client-cert-key-path", s.certificateKey, &repo.TLSClientCertKey},
		{"github-app-private-key-path", s.appKey, &repo.GithubAppPrivateKey}, {"gcp-service-account-key-path", s.gcpKey, &repo.GCPServiceAccountKey},
		{"ssh-private-key-path", s.sshKey, &repo.SSHPrivateKey},
	} {
		switch {
		case file.path == "":
			continue
		case file.flag == "ssh-private-key-path" && !isSSH(repo.Repo):
			//lint:ignore ST1005 argocd's text
			return errors.New("--ssh-private-key-path is only supported for SSH repositories.")
		case file.flag != "ssh-private-key-path" && !https:
			return fmt.Errorf("--%s is only supported for HTTPS repositories", file.flag)
		}
		content, err := os.ReadFile(file.path)
		if err != nil {
			return fmt.Errorf("reading --%s: %w", file.flag, err)
		}
		*file.into = string(content)
	}
	if s.passwordStdin || repo.Username != "" && repo.Password == "" {
		password, err := r.password(credentials{passwordStdin: s.passwordStdin})
		if err != nil {
			return err
		}
		repo.Password = password
	}
	switch {
	case repo.Password != "" && repo.Username == "" && s.passwordStdin:
		return &UsageError{errors.New("a password needs a --username")}
	case repo.BearerToken != "" && repo.Password != "":
		return errors.New("only --bearer-token or --password is allowed, not both")
	case repo.BearerToken != "" && repo.Type != "git":
		return errors.New("--bearer-token is only supported for Git repositories")
	case repo.BearerToken != "" && !https:
		return errors.New("--bearer-token is only supported for HTTPS repositories")
	case repo.InsecureOCIForceHTTP && !repo.EnableOCI && repo.Type != "oci":
		return errors.New("--insecure-oci-force-http is only supported for OCI repositories")
	}
	return nil
}

// isSSH tells whether a repository is reached by SSH: ssh://…, or USER@HOST:PATH.
func isSSH(url string) bool {
	if strings.HasPrefix(url, "ssh://") {
		return true
	}
	user, rest, ok := strings.Cut(url, "@")
	return ok && !strings.Contains(user, "/") && strings.Contains(rest, ":")
}

// as is a message in another's shape: the fields that have the same JSON names.
func as[T any](message any) (*T, error) {
	text, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	other := new(T)
	if err := json.Unmarshal(text, other); err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	return other, nil
}
