package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"
)

// share counts answers by the version that gave them; "no answer" counts those that didn't come.
type share map[string]int

func (s share) total() int {
	n := 0
	for _, count := range s {
		n += count
	}
	return n
}

// String is a line such as "1.0.0 75 %, 1.1.0 25 %".
func (s share) String() string {
	var versions []string
	for version := range s {
		versions = append(versions, version)
	}
	sort.Strings(versions)
	var parts []string
	for _, version := range versions {
		parts = append(parts, fmt.Sprintf("%s %d %%", version, (s[version]*100+s.total()/2)/s.total()))
	}
	return strings.Join(parts, ", ")
}

// noAnswer is what share counts failed requests as.
const noAnswer = "no answer"

// ask sends requests, each over a connection of its own so that the Service chooses a pod each time.
func ask(ctx context.Context, url string, requests int) share {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	counted := share{}
	for range requests {
		counted[version(ctx, client, url)]++
	}
	return counted
}

func version(ctx context.Context, client *http.Client, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return noAnswer
	}
	response, err := client.Do(request)
	if err != nil {
		return noAnswer
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 100))
	if err != nil || response.StatusCode != http.StatusOK {
		return noAnswer
	}
	return strings.TrimSpace(string(text))
}

// serviceURL is where the machine reaches a Service of a cluster: its cluster address is routed through the node.
func (w *world) serviceURL(ctx context.Context, cluster, service string) (url string, err error) {
	err = w.until(ctx, "the Service "+service+" in "+cluster, func() (bool, string, error) {
		ip, err := w.kubectl(ctx, cluster, "-n", "demo", "get", "service", service, "-o", "jsonpath={.spec.clusterIP}")
		if err != nil {
			return false, err.Error(), nil
		}
		url = "http://" + strings.TrimSpace(ip) + "/version"
		return ip != "", "it has no address yet", nil
	})
	return url, err
}
