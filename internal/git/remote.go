package git

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// Remote is where a repository is and how to log on there. Empty fields mean none.
type Remote struct {
	// URL is http, https, ssh, git, file, or the scp-like user@host:path. User and password in it are accepted, taken out,
	// and used unless Username or Password is set.
	URL string
	// Username and Password are for HTTP basic authentication; a password alone is taken as a token.
	Username, Password string
	// BearerToken is sent as an Authorization header over HTTP; it wins over the password.
	BearerToken string
	// SSHPrivateKey is a private key in PEM or OpenSSH form, without passphrase.
	SSHPrivateKey string
	// KnownHosts are lines in the format of ssh's known_hosts. Without them (and without Insecure) no SSH host is trusted.
	KnownHosts string
	// CA, ClientCertificate and ClientKey are PEM, for TLS.
	CA, ClientCertificate, ClientKey string
	// Proxy is the URL of an HTTP proxy; NoProxy lists hosts that are reached without it.
	Proxy, NoProxy string
	// Insecure skips the verification of TLS certificates and SSH host keys.
	Insecure bool
}

// address is a parsed URL without secrets.
type address struct {
	// text is what git gets, and what errors may show.
	text string
	// scheme is http, https, ssh, git or file.
	scheme string
	// origin is scheme://host/ for HTTP, the scope of its credentials.
	origin             string
	username, password string
}

// parseAddress validates a repository's URL and takes the secrets out of it. Anything that git could take for an option
// or for a helper program (ext::…) is refused.
func parseAddress(repository string) (address, error) {
	repository = strings.TrimSpace(repository)
	if repository == "" {
		return address{}, errors.New("the repository's URL is empty")
	}
	if strings.ContainsAny(repository, "\n\r\x00") || strings.HasPrefix(repository, "-") {
		return address{}, errors.New("the repository's URL has characters that no URL has")
	}
	if !strings.Contains(repository, "://") {
		host, path, ok := strings.Cut(repository, ":")
		if !ok || host == "" || path == "" || strings.ContainsAny(host, "/ ") || strings.HasPrefix(path, ":") {
			return address{}, fmt.Errorf("the repository's URL %q is none: use https://host/path, ssh://user@host/path or user@host:path",
				userinfo.ReplaceAllString(repository, "$1"))
		}
		return address{text: repository, scheme: "ssh"}, nil
	}
	u, err := url.Parse(repository)
	if err != nil {
		// url.Error repeats the URL with its secrets.
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return address{}, fmt.Errorf("parsing the repository's URL: %w", err)
	}
	a := address{scheme: strings.ToLower(u.Scheme)}
	switch a.scheme {
	case "http", "https":
		a.origin = a.scheme + "://" + u.Host + "/"
		if u.User != nil {
			a.username = u.User.Username()
			a.password, _ = u.User.Password()
			u.User = nil
		}
	case "ssh":
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
	case "git", "file":
		u.User = nil
	default:
		return address{}, fmt.Errorf("repositories over %q are not supported: use https or ssh", a.scheme)
	}
	if a.scheme != "file" && (u.Host == "" || strings.HasPrefix(u.Host, "-")) {
		return address{}, fmt.Errorf("the repository's URL %q names no host", u.String())
	}
	a.text = u.String()
	return a, nil
}

// key gives one spelling to the URLs of the same repository, by scheme, because the transports differ.
func (a address) key() string {
	if a.scheme == "file" {
		return strings.TrimRight(a.text, "/")
	}
	return a.scheme + "://" + event.NormalizeURL(a.text)
}

// environment is how git learns what to use for this remote: through variables, so that no secret is in a command line or
// URL. Keys and certificates, for which git and ssh take only files, are written into dir, readable only by us.
func (r Remote) environment(a address, dir string) ([]string, error) {
	var config settings
	switch a.scheme {
	case "http", "https":
		if header := r.authorization(a); header != "" {
			// Scoped to the origin, so that a redirect to another host doesn't carry it there.
			config.set("http."+a.origin+".extraHeader", "Authorization: "+header)
		}
		if r.Insecure {
			config.set("http.sslVerify", "false")
		}
		for _, file := range []struct{ name, setting, content string }{
			{"ca.pem", "http.sslCAInfo", r.CA},
			{"client.pem", "http.sslCert", r.ClientCertificate},
			{"client.key", "http.sslKey", r.ClientKey},
		} {
			if file.content == "" {
				continue
			}
			path, err := writeSecret(dir, file.name, file.content)
			if err != nil {
				return nil, err
			}
			config.set(file.setting, path)
		}
		if r.Proxy != "" {
			config.set("http.proxy", r.Proxy)
		}
	case "ssh":
		command, err := r.sshCommand(dir)
		if err != nil {
			return nil, err
		}
		return []string{"GIT_SSH_COMMAND=" + command, "GIT_SSH_VARIANT=ssh"}, nil
	}
	env := config.environment()
	if r.NoProxy != "" {
		env = append(env, "NO_PROXY="+r.NoProxy, "no_proxy="+r.NoProxy)
	}
	return env, nil
}

func (r Remote) authorization(a address) string {
	if r.BearerToken != "" {
		return "Bearer " + r.BearerToken
	}
	username, password := r.Username, r.Password
	if username == "" && password == "" {
		username, password = a.username, a.password
	}
	if username == "" && password == "" {
		return ""
	}
	if username == "" {
		// Hosts that take a token as password want some user name.
		username = "git"
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

func (r Remote) sshCommand(dir string) (string, error) {
	options := []string{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-F", "/dev/null"}
	if r.Insecure {
		options = append(options, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
	} else {
		hosts, err := writeSecret(dir, "known_hosts", strings.TrimRight(r.KnownHosts, "\n")+"\n")
		if err != nil {
			return "", err
		}
		options = append(options, "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "UserKnownHostsFile="+hosts)
	}
	if r.SSHPrivateKey != "" {
		key, err := writeSecret(dir, "id", strings.TrimRight(r.SSHPrivateKey, "\n")+"\n")
		if err != nil {
			return "", err
		}
		options = append(options, "-o", "IdentitiesOnly=yes", "-i", key)
	}
	for i, option := range options {
		options[i] = "'" + strings.ReplaceAll(option, "'", `'\''`) + "'"
	}
	return strings.Join(options, " "), nil
}

// writeSecret writes by rename, because a git that runs may be reading the old file.
func writeSecret(dir, name, content string) (string, error) {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a folder for keys: %w", err)
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == content {
		return path, nil
	}
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("writing %s for git: %w", name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("writing %s for git: %w", name, err)
	}
	return path, nil
}
