package git

import (
	"strings"
	"testing"
)

// TestAttackAddresses names as repositories what git would take for options, programs or places of its own. (Local files are
// for the hub's operator to forbid: no project permits file:// unless it says so.)
func TestAttackAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"ext::sh -c 'touch /tmp/x'":                            "is none",
		"ext::sh -c id% https://s3cret@host":                   "not supported",
		"--upload-pack=touch /tmp/x":                           "characters that no URL has",
		"-u:x":                                                 "characters that no URL has",
		" --config=core.sshCommand=id":                         "characters that no URL has",
		"https://git.example/x\n--upload-pack=id":              "characters that no URL has",
		"https://git.example/x\x00":                            "characters that no URL has",
		"ssh://-oProxyCommand=id/x":                            "names no host",
		"ssh://ann@-oProxyCommand=id/x":                        "names no host",
		"-oProxyCommand=id:x":                                  "characters that no URL has",
		"ftp://git.example/x":                                  "not supported",
		"fd::17":                                               "is none",
		"transport::address":                                   "is none",
		"http+unix://var/run/docker.sock/x":                    "not supported",
		"http://169.254.169.254/latest":                        "link-local",
		"http://ann:s3cret@[fe80::1]/x":                        "link-local",
		"https://[::ffff:169.254.169.254]/x":                   "link-local",
		"https://":                                             "names no host",
		"https://ann:s3cret@":                                  "names no host",
		"https://ann:s3cret@git.example:port/x":                "parsing the repository's URL",
		"/etc/passwd":                                          "is none",
		"../other":                                             "is none",
		"x":                                                    "is none",
		"":                                                     "is empty",
		"https://ann:s3cret@git.example/%zz":                   "parsing the repository's URL",
		"javascript://git.example/%0aalert(1)":                 "not supported",
		"HTTPS+EXT://git.example/x":                            "not supported",
		"ssh://git.example:-oProxyCommand=id/x":                "parsing the repository's URL",
		"git@-oProxyCommand=id:x":                              "begins with a dash",
		"git@git.example:--upload-pack=id":                     "",
		"ssh://git@git.example/--upload-pack=id":               "",
		"ssh://git@git.example/" + strings.Repeat("../", 20):   "",
		"https://git.example/" + strings.Repeat("%2e%2e/", 20): "",
	} {
		parsed, err := parseAddress(address)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %+v, %v, want %q", address, parsed, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error tells the password: %v", address, err)
		}
		if err == nil && (strings.HasPrefix(parsed.text, "-") || strings.Contains(parsed.text, "::") && parsed.scheme != "http" && parsed.scheme != "https" && parsed.scheme != "ssh") {
			t.Errorf("%q: git gets %q", address, parsed.text)
		}
	}
}
