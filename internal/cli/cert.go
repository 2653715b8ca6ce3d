package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newCertCommand(r *root) *cobra.Command {
	return group("cert", "Certificates and host keys of the servers that repositories are on", nil,
		newCertListCommand(r), newCertAddTLSCommand(r), newCertAddSSHCommand(r), newCertRemoveCommand(r))
}

func newCertListCommand(r *root) *cobra.Command {
	query := &protocol.CertificateQuery{}
	var order string
	cmd := &cobra.Command{Use: "list", Short: "List certificates and host keys", Args: exactArgs(), Example: "  fairlead cert list --cert-type ssh"}
	cmd.Flags().StringVar(&order, "sort", "", "hostname (also if empty) or type")
	cmd.Flags().StringVar(&query.CertType, "cert-type", "", "only ssh or https")
	cmd.Flags().StringVar(&query.HostNamePattern, "hostname-pattern", "", "only those of hosts that match this glob")
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		if query.CertType != "" && query.CertType != "ssh" && query.CertType != "https" {
			return &UsageError{errors.New("cert-type must be either ssh or https")}
		}
		list, err := client.Call(ctx, c, protocol.CertificateList, query)
		if err != nil {
			return err
		}
		if format.Format == output.Wide {
			slices.SortStableFunc(list.Items, func(a, b protocol.RepositoryCertificate) int {
				if order == "type" {
					return cmp.Compare(a.CertType, b.CertType)
				}
				return cmp.Compare(a.ServerName, b.ServerName)
			})
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, []output.Column[protocol.RepositoryCertificate]{
			{Title: "HOSTNAME", Cell: func(c protocol.RepositoryCertificate) string { return c.ServerName }},
			{Title: "TYPE", Cell: func(c protocol.RepositoryCertificate) string { return c.CertType }},
			{Title: "SUBTYPE", Cell: func(c protocol.RepositoryCertificate) string { return c.CertSubType }},
			{Title: "INFO", Cell: func(c protocol.RepositoryCertificate) string { return c.CertInfo }},
		})
	})
	return cmd
}

// certInput is where certificates and keys come from.
type certInput struct {
	file   string
	upsert bool
}

func (i *certInput) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&i.file, "from", "", "file; default: standard input")
	cmd.Flags().BoolVar(&i.upsert, "upsert", false, "replace what is there and differs")
}

func (r *root) certText(i *certInput, reading, asking string) ([]byte, error) {
	if i.file == "" {
		r.printf("%s\n", asking)
		return r.readInput("-")
	}
	r.printf(reading+"\n", i.file)
	return r.readInput(i.file)
}

func newCertAddTLSCommand(r *root) *cobra.Command {
	input := &certInput{}
	cmd := &cobra.Command{
		Use: "add-tls SERVERNAME", Short: "Trust certificates of a server", Args: exactArgs("SERVERNAME"),
		Example: "  fairlead cert add-tls git.example.com --from ca.pem",
	}
	input.flags(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		text, err := r.certText(input, "Reading TLS certificate data in PEM format from '%s'", "Enter TLS certificate data in PEM format. Press CTRL-D when finished.")
		if err != nil {
			return err
		}
		certificates, err := r.uniqueCertificates(text)
		if err != nil {
			return err
		}
		if len(certificates) == 0 {
			r.printf("No valid certificates have been detected in the stream.\n")
			return nil
		}
		if _, err := client.Call(ctx, c, protocol.CertificateCreate, &protocol.CertificateCreateRequest{
			Upsert: input.upsert, Certificates: &protocol.RepositoryCertificateList{Items: []protocol.RepositoryCertificate{
				{ServerName: args[0], CertType: "https", CertData: []byte(strings.Join(certificates, "\n"))},
			}},
		}); err != nil {
			return err
		}
		r.printf("Created/updated TLS certificate entry for repository server %s with %d unique PEM certificates\n", args[0], len(certificates))
		return nil
	})
	return cmd
}

// uniqueCertificates are the certificates of a text in PEM form, each once.
func (r *root) uniqueCertificates(text []byte) ([]string, error) {
	var found []string
	known := map[string]bool{}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return found, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		digest := sha256.Sum256(certificate.Raw)
		if fingerprint := hex.EncodeToString(digest[:]); known[fingerprint] {
			r.printf("WARNING: Duplicate certificate detected (SHA256 fingerprint %s, subject '%s'), skipping.\n", fingerprint, certificate.Subject)
			continue
		} else {
			known[fingerprint] = true
		}
		found = append(found, strings.TrimRight(string(pem.EncodeToMemory(block)), "\n"))
	}
}

func newCertAddSSHCommand(r *root) *cobra.Command {
	input := &certInput{}
	var batch bool
	cmd := &cobra.Command{
		Use: "add-ssh --batch", Short: "Trust host keys, given as lines of known_hosts", Args: exactArgs(),
		Example: "  ssh-keyscan git.example.com | fairlead cert add-ssh --batch",
	}
	input.flags(cmd)
	cmd.Flags().BoolVar(&batch, "batch", false, "read lines; required")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		if !batch {
			return errors.New("you need to specify --batch or specify --help for usage instructions")
		}
		text, err := r.certText(input, "Reading SSH known hosts entries from file '%s'", "Enter SSH known hosts entries, one per line. Press CTRL-D when finished.")
		if err != nil {
			return err
		}
		keys, err := knownHosts(text)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			//lint:ignore ST1005 argocd's text
			return errors.New("No valid SSH known hosts data found.")
		}
		answer, err := client.Call(ctx, c, protocol.CertificateCreate, &protocol.CertificateCreateRequest{
			Upsert: input.upsert, Certificates: &protocol.RepositoryCertificateList{Items: keys},
		})
		if err != nil {
			return err
		}
		r.printf("Successfully created %d SSH known host entries\n", len(answer.Items))
		return nil
	})
	return cmd
}

// knownHosts reads lines of known_hosts, one entry a host: https://man.openbsd.org/sshd#SSH_KNOWN_HOSTS_FILE_FORMAT.
func knownHosts(text []byte) ([]protocol.RepositoryCertificate, error) {
	var keys []protocol.RepositoryCertificate
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		_, hosts, key, _, _, err := ssh.ParseKnownHosts([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("reading known_hosts line %q: %w", line, err)
		}
		for _, host := range hosts {
			keys = append(keys, protocol.RepositoryCertificate{
				ServerName: host, CertType: "ssh", CertSubType: key.Type(), CertData: []byte(base64.StdEncoding.EncodeToString(key.Marshal())),
			})
		}
	}
	return keys, nil
}

func newCertRemoveCommand(r *root) *cobra.Command {
	query := &protocol.CertificateQuery{}
	cmd := &cobra.Command{
		Use: "rm REPOSERVER", Short: "No longer trust certificates and host keys of a server", Args: exactArgs("REPOSERVER"),
		Example: "  fairlead cert rm git.example.com --cert-type ssh",
	}
	cmd.Flags().StringVar(&query.CertType, "cert-type", "", "only ssh or https")
	cmd.Flags().StringVar(&query.CertSubType, "cert-sub-type", "", "only keys of this algorithm, such as ssh-ed25519")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if args[0] == "*" {
			//lint:ignore ST1005 argocd's text
			return errors.New("A single wildcard is not allowed as REPOSERVER name.")
		}
		if !r.confirm(fmt.Sprintf("Are you sure you want to remove all certificates for '%s'? [y/n]", args[0])) {
			r.printf("The command to remove all certificates for '%s' was cancelled.\n", args[0])
			return nil
		}
		query.HostNamePattern = args[0]
		removed, err := client.Call(ctx, c, protocol.CertificateDelete, query)
		if err != nil {
			return err
		}
		for _, cert := range removed.Items {
			r.printf("Removed cert for '%s' of type '%s' (subtype '%s')\n", cert.ServerName, cert.CertType, cert.CertSubType)
		}
		if len(removed.Items) == 0 {
			r.printf("No certificates were removed (none matched the given pattern)\n")
		}
		return nil
	})
	return cmd
}
