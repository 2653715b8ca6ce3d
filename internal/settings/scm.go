package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// SecretTypeSCMCreds marks Secrets whose values ApplicationSets may send to Git hosts, where the operator is strict about it.
const SecretTypeSCMCreds = "scm-creds"

// SCMParams are the keys of argocd-cmd-params-cm that say which Git hosts ApplicationSets may ask.
type SCMParams struct {
	// Enabled tells whether they may ask any.
	Enabled bool
	// Allowed are the addresses of APIs that generators may name; none allows all.
	Allowed []string
	// StrictTokens allows only Secrets of the type scm-creds.
	StrictTokens bool
	// RootCAFile has certificates in PEM that GitLab and Bitbucket Server are trusted by; empty means the system's.
	RootCAFile string
}

// SCMParamsFrom reads them. A switch that isn't true or false is an error, because both ways could be the wrong one.
func SCMParamsFrom(configMap map[string]string) (SCMParams, error) {
	p := SCMParams{Enabled: true, RootCAFile: strings.TrimSpace(configMap["applicationsetcontroller.scm.root.ca.path"])}
	for _, one := range strings.Split(configMap["applicationsetcontroller.allowed.scm.providers"], ",") {
		if one = strings.TrimSpace(one); one != "" {
			p.Allowed = append(p.Allowed, one)
		}
	}
	for key, value := range map[string]*bool{
		"applicationsetcontroller.enable.scm.providers":        &p.Enabled,
		"applicationsetcontroller.enable.tokenref.strict.mode": &p.StrictTokens,
	} {
		text := strings.TrimSpace(configMap[key])
		if text == "" {
			continue
		}
		parsed, err := strconv.ParseBool(text)
		if err != nil {
			return SCMParams{}, fmt.Errorf("reading %s: key %s is neither true nor false", CmdParamsConfigMap, key)
		}
		*value = parsed
	}
	return p, nil
}
