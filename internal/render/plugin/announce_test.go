package plugin

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/protocol"
)

func TestAnnounce(t *testing.T) {
	client, dir := newClient(t)
	(&sidecar{t: t}).serve(dir, "greeter")
	got, err := client.Announce(context.Background(), "greeter", input(t, repository()))
	want := []*protocol.ParameterAnnouncement{
		{Name: "greeting", Title: "Greeting", Required: true, CollectionType: "string", String: "web"},
		{Name: "labels", CollectionType: "map", Map: map[string]string{"a": "b"}},
	}
	if err != nil || !reflect.DeepEqual(got.ParametersAnnouncement, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := client.Announce(context.Background(), "nobody", input(t, repository())); err == nil || !strings.Contains(err.Error(), "failed to detect CMP for app") {
		t.Errorf("got %v", err)
	}
}
