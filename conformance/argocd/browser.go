package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"fairlead.dev/fairlead/conformance/stage"
	"fairlead.dev/fairlead/internal/login/oidctest"
)

// identityProvider is the command idp.
func (s *scenario) identityProvider(args []string) (string, string, error) {
	if s.idp == nil {
		var err error
		if s.idp, err = oidctest.Start(false); err != nil {
			return "", "", err
		}
		s.define("ISSUER", s.idp.Issuer)
	}
	claims := map[string]any{}
	for _, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		switch {
		case !found:
			return "", "", errors.New("usage: idp [CLAIM=VALUE...]")
		case strings.Contains(value, ","):
			claims[name] = strings.Split(value, ",")
		default:
			claims[name] = value
		}
	}
	s.idp.Person(claims, nil)
	return "", "", nil
}

var printedURL = regexp.MustCompile(`into your preferred browser: (\S+)`)

// browse runs the CLI until it ends, and in between goes where it asks a person to go.
func (s *scenario) browse(args []string) (string, string, error) {
	port, err := stage.FreePort()
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(s.ctx, stage.Patience)
	defer cancel()
	args = append(args, "--sso-launch-browser=false", "--sso-port", fmt.Sprint(port))
	cmd := exec.CommandContext(ctx, s.tools.argocd, append(args, s.mode.flags...)...)
	cmd.Dir, cmd.Env = s.dir, s.environment()
	reader, writer := io.Pipe()
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, writer), &complaints
	visited := make(chan error, 1)
	go func() { visited <- visit(ctx, reader) }()
	err = cmd.Run()
	_ = writer.Close()
	s.exitCode = cmd.ProcessState.ExitCode()
	if visitErr := <-visited; visitErr != nil {
		err = errors.Join(err, visitErr)
	}
	// The URL says the client's port, and secrets that differ from run to run.
	return regexp.MustCompile(`http://\S+`).ReplaceAllString(out.String(), "URL"), complaints.String(), err
}

// visit follows the first URL that is printed to its end, again while nobody listens there yet.
func visit(ctx context.Context, output io.Reader) error {
	var text bytes.Buffer
	buffer := make([]byte, 4096)
	var address string
	for address == "" {
		n, err := output.Read(buffer)
		text.Write(buffer[:n])
		if found := printedURL.FindSubmatch(text.Bytes()); found != nil {
			address = string(found[1])
		} else if err != nil {
			return nil
		}
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return fmt.Errorf("opening %s: %w", address, err)
		}
		answer, err := scenarioClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("opening %s: %w", address, err)
		}
	}
}
