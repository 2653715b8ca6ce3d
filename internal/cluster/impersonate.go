package cluster

import (
	"context"
	"fmt"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// accountKey is the context's key of the account that requests are made as.
type accountKey struct{}

// As has requests about objects, made with the context, made as another user, such as system:serviceaccount:NAMESPACE:NAME.
// The connection's own user must be allowed to impersonate it. Watches and discovery stay the connection's own. An empty
// account changes nothing.
func As(ctx context.Context, account string) context.Context {
	if account == "" {
		return ctx
	}
	return context.WithValue(ctx, accountKey{}, account)
}

// mostAccounts bounds the clients that are kept; there is one for each account in use.
const mostAccounts = 1000

// client is the client of whoever requests are to be made as.
func (c *Cluster) client(ctx context.Context) (dynamic.Interface, error) {
	account, _ := ctx.Value(accountKey{}).(string)
	if account == "" {
		return c.dynamic, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, ok := c.accounts[account]; ok {
		return client, nil
	}
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: account}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %q as %s: %w", c.settings.Name, account, err)
	}
	if c.accounts == nil || len(c.accounts) >= mostAccounts {
		c.accounts = map[string]dynamic.Interface{}
	}
	c.accounts[account] = client
	return client, nil
}
