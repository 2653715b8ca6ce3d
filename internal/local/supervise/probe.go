package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// Answers is a Ready that asks for status 200 at url; a nil client is http.DefaultClient. Any other answer is part of
// the reason.
func Answers(client *http.Client, url string) func(context.Context) error {
	if client == nil {
		client = http.DefaultClient
	}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		if err != nil {
			return fmt.Errorf("reading %s: %w", url, err)
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s: %s", url, resp.Status, reason(string(body)))
		}
		return nil
	}
}

// reason is the first line of an answer, or the failing checks of Kubernetes' form ("[-]check failed: reason withheld").
func reason(body string) string {
	var failing []string
	for line := range strings.Lines(body) {
		if check, ok := strings.CutPrefix(line, "[-]"); ok {
			check, _, _ = strings.Cut(check, " ")
			failing = append(failing, check)
		}
	}
	if len(failing) > 0 {
		return "not ready: " + strings.Join(failing, ", ")
	}
	first, _, _ := strings.Cut(body, "\n")
	return first
}

// Listens is a Ready that asks whether something accepts connections on a Unix socket.
func Listens(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("nothing accepts connections on %s", socket)
		}
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
