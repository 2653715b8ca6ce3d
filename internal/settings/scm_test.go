package settings

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSCMParams(t *testing.T) {
	for _, test := range []struct {
		name string
		data map[string]string
		want SCMParams
		bad  bool
	}{
		{name: "nothing", want: SCMParams{Enabled: true}},
		{name: "all", data: map[string]string{
			"applicationsetcontroller.enable.scm.providers": "false", "applicationsetcontroller.enable.tokenref.strict.mode": "true",
			"applicationsetcontroller.allowed.scm.providers": "https://a/, https://b,,", "applicationsetcontroller.scm.root.ca.path": "/ca.pem",
		}, want: SCMParams{StrictTokens: true, Allowed: []string{"https://a/", "https://b"}, RootCAFile: "/ca.pem"}},
		{name: "a switch that is none", data: map[string]string{"applicationsetcontroller.enable.scm.providers": "no way"}, bad: true},
	} {
		got, err := SCMParamsFrom(test.data)
		if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != test.bad {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}
