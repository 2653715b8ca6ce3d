package plugin

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"

	"fairlead.dev/fairlead/internal/protocol"
)

const methodAnnounce = "/plugin.ConfigManagementPluginService/GetParametersAnnouncement"

// announcement is ParametersAnnouncementResponse, in the form in which the API hands it on.
type announcement struct{ protocol.PluginAppSpec }

func (a *announcement) marshal() []byte {
	out, err := protocol.Proto{}.Marshal(&a.PluginAppSpec)
	if err != nil {
		panic(err) // strings and lists of them
	}
	return out
}

func (a *announcement) unmarshal(number protowire.Number, value []byte) error {
	if number != 1 {
		return nil
	}
	one := &protocol.ParameterAnnouncement{}
	if err := (protocol.Proto{}).Unmarshal(value, one); err != nil {
		return err
	}
	a.ParametersAnnouncement = append(a.ParametersAnnouncement, one)
	return nil
}

// Announce has the named plugin, or the one whose own the input is, tell its parameters.
func (c *Client) Announce(ctx context.Context, name string, input Input) (*protocol.PluginAppSpec, error) {
	var response announcement
	_, err := c.ask(ctx, question{
		method: methodAnnounce, choosing: "failed to detect CMP for app: ", asking: "failed to get parameter announcement: ",
	}, name, input, &response)
	if err != nil {
		return nil, err
	}
	return &response.PluginAppSpec, nil
}
