package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/crypto/ssh"

	"fairlead.dev/fairlead/conformance/stage"
)

// sshHost is a Git host for those with the key, which lies in the file ssh_key of the run's folder; known_hosts lies beside it.
type sshHost struct {
	*stage.SSH

	url, address string
}

var repositoryPath = regexp.MustCompile(`^/?([a-z0-9-]+/[a-z0-9-]+)\.git$`)

func serveSSH(repositories, dir string) (*sshHost, error) {
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the SSH host's key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(hostKey)
	if err != nil {
		return nil, fmt.Errorf("making the SSH host's key: %w", err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an SSH key: %w", err)
	}
	allowed, err1 := ssh.NewPublicKey(public)
	encoded, err2 := ssh.MarshalPrivateKey(private, "")
	listener, err3 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("starting the SSH host: %w", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	h := &sshHost{url: "ssh://git@" + listener.Addr().String(), address: "[127.0.0.1]:" + port}
	known := h.address + " " + string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	err = errors.Join(os.WriteFile(filepath.Join(dir, "ssh_key"), pem.EncodeToMemory(encoded), 0o600),
		os.WriteFile(filepath.Join(dir, "known_hosts"), []byte(known), 0o600))
	if err != nil {
		return nil, fmt.Errorf("writing the SSH keys: %w", err)
	}
	h.SSH = stage.ServeSSH(listener, signer, allowed, func(path string) (string, bool) {
		words := repositoryPath.FindStringSubmatch(path)
		if words == nil {
			return "", false
		}
		return filepath.Join(repositories, words[1]+".git"), true
	})
	return h, nil
}
