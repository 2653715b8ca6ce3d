package git

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
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
	// GitHubApp logs on with a token that is minted when needed; it wins over all other credentials for HTTP.
	GitHubApp GitHubApp
	// SSHPrivateKey is a private key in PEM or OpenSSH form, without passphrase.
	SSHPrivateKey string
	// KnownHosts are lines in the format of ssh's known_hosts. Without them (and without Insecure) no SSH host is trusted.
	KnownHosts string
	// CA, ClientCertificate and ClientKey are PEM, for TLS.
	CA, ClientCertificate, ClientKey string
	// Proxy is the URL of an HTTP or SOCKS5 proxy; NoProxy lists hosts that are reached without it. SSH goes through it too, with
	// Options.Tunnel.
	Proxy, NoProxy string
	// Insecure skips the verification of TLS certificates and SSH host keys.
	Insecure bool
	// LFS replaces the pointer files of Git LFS by what they point to.
	LFS bool
	// Scope keeps the mirrors of those apart who must not see each other's: whoever may configure a proxy or skip the check of
	// certificates could put another repository in the place of this one. It is the AppProject of a project's own repository;
	// empty is the operator's.
	Scope string
}

// Anonymous tells whether the remote has nothing to log on with.
func (r Remote) Anonymous() bool {
	a, err := parseAddress(r.URL)
	return r.Username+r.Password+r.BearerToken+r.SSHPrivateKey+r.ClientKey == "" && r.GitHubApp.IsZero() && (err != nil || a.password == "")
}

// Submodule is how a submodule of the remote's repository is reached, of which only own is known: with the remote's credentials if it
// has none and is on the same host, as when git(1) fetches both at once.
func (r Remote) Submodule(own Remote) Remote {
	if !own.Anonymous() || r.Anonymous() || !sameHost(r.URL, own.URL) {
		return own
	}
	lent := r
	lent.URL = own.URL
	if a, err := parseAddress(r.URL); err == nil && r.Username+r.Password == "" {
		lent.Username, lent.Password = a.username, a.password
	}
	return lent
}

// fingerprint names the remote without telling anything of it.
func (r Remote) fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", r))
	return hex.EncodeToString(sum[:16])
}

// environment is how git learns what to use for this remote: through variables, so that no secret is in a command line or
// URL. Keys and certificates, for which git and ssh take only files, are written into dir, readable only by us.
// Tunnel is the program of Options.Tunnel.
func (r Remote) environment(a address, dir string, tunnel []string) ([]string, error) {
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
		arguments, env, err := r.sshArguments(a, dir, tunnel)
		if err != nil {
			return nil, err
		}
		return append(env, "GIT_SSH_COMMAND="+shellLine(arguments), "GIT_SSH_VARIANT=ssh"), nil
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

// shellLine is a command as a line for a shell.
func shellLine(words []string) string {
	line := make([]string, len(words))
	for i, word := range words {
		line[i] = shellWord(word)
	}
	return strings.Join(line, " ")
}

// shellWord is a word for a shell, in quotes only where it must be: plugins that are lent a key take its path out of the line.
func shellWord(word string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("/._-=", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return quoted(word)
}

// quoted is a word in a shell's quotes.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// sshArguments is how ssh is called, and what its environment has beside that of every process.
func (r Remote) sshArguments(a address, dir string, tunnel []string) (options, env []string, err error) {
	options = []string{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-F", "/dev/null"}
	if r.Insecure {
		options = append(options, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
	} else {
		hosts, err := writeSecret(dir, "known_hosts", strings.TrimRight(r.KnownHosts, "\n")+"\n")
		if err != nil {
			return nil, nil, err
		}
		options = append(options, "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "UserKnownHostsFile="+hosts)
	}
	if r.SSHPrivateKey != "" {
		key, err := writeSecret(dir, "id", strings.TrimRight(r.SSHPrivateKey, "\n")+"\n")
		if err != nil {
			return nil, nil, err
		}
		options = append(options, "-o", "IdentitiesOnly=yes", "-i", key)
	}
	through, err := r.tunnels(a)
	switch {
	case err != nil:
		return nil, nil, err
	case through && len(tunnel) == 0:
		return nil, nil, errors.New("SSH through a proxy needs a program that connects through it")
	case through:
		options = append(options, "-o", "ProxyCommand="+proxyCommand(tunnel))
		env = append(env, TunnelVariable+"="+r.Proxy)
	}
	return options, env, nil
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
