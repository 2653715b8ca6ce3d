package stage

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"

	"golang.org/x/crypto/ssh"
)

// SSH is a Git host, which runs git's commands for those with the key.
type SSH struct {
	listener net.Listener
	config   *ssh.ServerConfig
	folder   func(path string) (string, bool)
}

// ServeSSH lets those with the allowed key read repositories. The folder of a repository is asked for by the path of its URL; false
// is that there is none.
func ServeSSH(listener net.Listener, host ssh.Signer, allowed ssh.PublicKey, folder func(path string) (string, bool)) *SSH {
	s := &SSH{listener: listener, folder: folder}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	s.config.AddHostKey(host)
	go s.accept()
	return s
}

// Close stops listening.
func (s *SSH) Close() error { return s.listener.Close() }

func (s *SSH) accept() {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(connection)
	}
}

func (s *SSH) serve(connection net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(connection, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

func (s *SSH) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		if request.Type != "exec" || len(request.Payload) < 4 {
			_ = request.Reply(request.Type == "env", nil)
			continue
		}
		_ = request.Reply(true, nil)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{s.run(string(request.Payload[4:]), channel)}))
		return
	}
}

var gitCommand = regexp.MustCompile(`^git-(upload-pack) '([^']+)'$`)

func (s *SSH) run(command string, channel ssh.Channel) uint32 {
	words, dir, found := gitCommand.FindStringSubmatch(command), "", false
	if words != nil {
		dir, found = s.folder(words[2])
	}
	if !found {
		_, _ = fmt.Fprintln(channel.Stderr(), "no such repository")
		return 1
	}
	cmd := exec.Command("git", words[1], dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
	if cmd.Run() != nil {
		return 1
	}
	return 0
}
