package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// specOutput is how a generated object is printed, and whether it goes into the file that it came from.
type specOutput struct {
	format *outputValue
	inline bool
}

func specFlags(cmd *cobra.Command, file bool) *specOutput {
	s := &specOutput{format: outputFlag(cmd, output.YAML, output.JSON)}
	if file {
		cmd.Flags().BoolVarP(&s.inline, "inline", "i", false, "write into the file that --file names")
	}
	return s
}

// print prints objects without what a cluster gives them.
func (s *specOutput) print(r *root, file string, objects ...any) error {
	var cleaned []any
	for _, object := range objects {
		fields, err := as[map[string]any](object)
		if err != nil {
			return err
		}
		delete(*fields, "status")
		if metadata, ok := (*fields)["metadata"].(map[string]any); ok {
			delete(metadata, "creationTimestamp")
			delete(metadata, "namespace")
		}
		cleaned = append(cleaned, *fields)
	}
	var value any = cleaned
	if len(cleaned) == 1 {
		value = cleaned[0]
	}
	if !s.inline {
		_, err := output.Value(r.streams.Out, s.format.Format, value)
		return err
	}
	if file == "" || file == "-" {
		return &UsageError{errors.New("--inline needs --file")}
	}
	var text strings.Builder
	if _, err := output.Value(&text, s.format.Format, value); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text.String()), 0o644) //nolint:gosec // it is the user's manifest, without secrets
}

func newAdminAppCommand(r *root) *cobra.Command {
	manifest := &appManifest{}
	cmd := &cobra.Command{
		Use: "generate-spec APPNAME", Short: "Print the manifest of an application from flags", Args: cobra.MaximumNArgs(1),
		Example: "  fairlead admin app generate-spec guestbook --repo https://git.example.com/apps.git --path guestbook --dest-name dev",
	}
	manifest.flags(r, cmd)
	out := specFlags(cmd, true)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		apps, err := manifest.apps(r, args)
		if err != nil {
			return err
		}
		var objects []any
		for _, app := range apps {
			objects = append(objects, app)
		}
		return out.print(r, manifest.file, objects...)
	}
	return cmd
}

func newAdminProjCommand(r *root) *cobra.Command {
	spec := &projectSpec{}
	var file string
	cmd := &cobra.Command{
		Use: "generate-spec PROJECT", Short: "Print the manifest of a project from flags", Args: cobra.MaximumNArgs(1),
		Example: "  fairlead admin proj generate-spec demo -s 'https://git.example.com/*'",
	}
	spec.flags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "file or URL with the manifest to begin with; - for standard input")
	out := specFlags(cmd, true)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		p, err := spec.project(r, file, args)
		if err != nil {
			return err
		}
		return out.print(r, file, p)
	}
	return cmd
}

// configSecret is a Secret that configures a repository or a cluster.
func configSecret(name, kind string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"argocd.argoproj.io/secret-type": kind},
			Annotations: map[string]string{"managed-by": "argocd.argoproj.io"},
		},
		StringData: data,
	}
}

func hash(texts ...string) uint32 {
	sum := fnv.New32a()
	for _, text := range texts {
		_, _ = sum.Write([]byte(text)) // a hash takes everything
	}
	return sum.Sum32()
}

func newAdminRepoCommand(r *root) *cobra.Command {
	repo, secrets := &protocol.Repository{}, &repoSecrets{}
	cmd := &cobra.Command{
		Use: "generate-spec REPOURL", Short: "Print the Secret of a repository from flags", Args: exactArgs("REPOURL"),
		Example: "  fairlead admin repo generate-spec https://git.example.com/team/deploy.git --username ci --password \"$TOKEN\"",
	}
	secrets.flags(cmd, repo)
	repoFlags(cmd, repo)
	out := specFlags(cmd, false)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		repo.Repo = args[0]
		if repo.Type == "helm" && repo.Name == "" {
			return errors.New("must specify --name for repos of type 'helm'")
		}
		if err := secrets.read(r, repo); err != nil {
			return err
		}
		fields, err := as[map[string]any](repo)
		if err != nil {
			return err
		}
		data := map[string]string{"url": repo.Repo}
		for key, value := range *fields {
			switch value := value.(type) {
			case string:
				data[key] = value
			case bool:
				data[key] = strconv.FormatBool(value)
			case float64:
				data[key] = strconv.FormatFloat(value, 'f', -1, 64)
			}
		}
		delete(data, "repo")
		return out.print(r, "", configSecret(fmt.Sprintf("repo-%d", hash(repo.Repo, repo.Project)), "repository", data))
	}
	return cmd
}

func newAdminClusterCommand(r *root) *cobra.Command {
	n := &newCluster{}
	var generate bool
	cmd := &cobra.Command{
		Use: "generate-spec CONTEXT", Short: "Print the Secret of a kubeconfig's cluster", Args: exactArgs("CONTEXT"),
		Example: "  fairlead admin cluster generate-spec production --bearer-token \"$TOKEN\"",
	}
	n.flags(cmd)
	cmd.Flags().StringVar(&n.token, "bearer-token", "", "token of the hub's account there")
	cmd.Flags().BoolVar(&generate, "generate-bearer-token", false, "get the token of the account from the cluster")
	cmd.Flags().StringVar(&n.account, "service-account", managerName, "the account")
	cmd.Flags().StringVar(&n.systemNamespace, "system-namespace", managerNamespace, "namespace of the account")
	out := specFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		config, err := n.kube.config(args[0])
		if err != nil {
			return err
		}
		if generate {
			client, err := kubeClient(config)
			if err != nil {
				return fmt.Errorf("reaching the cluster of context %s: %w", args[0], err)
			}
			if n.token, err = r.serviceAccountToken(cmd.Context(), client, n.systemNamespace, n.account); err != nil {
				return err
			}
		}
		cluster, err := n.describe(config, args[0])
		if err != nil {
			return err
		}
		text, err := json.Marshal(cluster.Config)
		if err != nil {
			return fmt.Errorf("printing the cluster: %w", err)
		}
		u, err := url.Parse(cluster.Server)
		if err != nil {
			return fmt.Errorf("reading the cluster's address: %w", err)
		}
		data := map[string]string{"server": cluster.Server, "name": cluster.Name, "config": string(text)}
		for key, value := range map[string]string{"namespaces": strings.Join(cluster.Namespaces, ","), "project": cluster.Project} {
			if value != "" {
				data[key] = value
			}
		}
		if cluster.ClusterResources {
			data["clusterResources"] = "true"
		}
		if cluster.Shard != nil {
			data["shard"] = fmt.Sprint(*cluster.Shard)
		}
		secret := configSecret(fmt.Sprintf("cluster-%s-%d", strings.ToLower(u.Hostname()), hash(cluster.Server)), "cluster", data)
		for key, value := range cluster.Labels {
			secret.Labels[key] = value
		}
		for key, value := range cluster.Annotations {
			secret.Annotations[key] = value
		}
		return out.print(r, "", secret)
	}
	return cmd
}

func newAdminKubeconfigCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "kubeconfig CLUSTER_URL OUTPUT_PATH", Short: "Write a kubeconfig with the hub's access to a cluster", Args: exactArgs("CLUSTER_URL", "OUTPUT_PATH"),
		Example: "  fairlead admin cluster kubeconfig https://10.0.0.1:6443 production.yaml -n argocd",
	}
	kube := r.adminKube(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, namespace, err := kube.connect()
		if err != nil {
			return err
		}
		list := &corev1.SecretList{}
		if err := client.List(cmd.Context(), list, kubeclient.InNamespace(namespace), kubeclient.MatchingLabels{"argocd.argoproj.io/secret-type": "cluster"}); err != nil {
			return err
		}
		for i := range list.Items {
			cluster, err := settings.ClusterFromSecret(&list.Items[i])
			if err != nil || strings.TrimRight(cluster.Server, "/") != strings.TrimRight(args[0], "/") {
				continue
			}
			return writeKubeconfig(&list.Items[i], args[1], namespace)
		}
		return fmt.Errorf("cluster %q not found", args[0])
	}
	return cmd
}

// writeKubeconfig writes how a cluster Secret says that its cluster is reached.
func writeKubeconfig(secret *corev1.Secret, path, namespace string) error {
	var c protocol.ClusterConfig
	if err := json.Unmarshal(secret.Data["config"], &c); err != nil {
		return fmt.Errorf("reading the cluster's configuration: %w", err)
	}
	user := &clientcmdapi.AuthInfo{
		Token: c.BearerToken, Username: c.Username, Password: c.Password,
		ClientCertificateData: c.TLSClientConfig.CertData, ClientKeyData: c.TLSClientConfig.KeyData,
	}
	if e := c.ExecProviderConfig; e != nil {
		user.Exec = &clientcmdapi.ExecConfig{
			Command: e.Command, Args: e.Args, APIVersion: e.APIVersion, InstallHint: e.InstallHint, ProvideClusterInfo: e.ProvideClusterInfo,
			InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		}
		for name, value := range e.Env {
			user.Exec.Env = append(user.Exec.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
		}
	}
	server := string(secret.Data["server"])
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[server] = &clientcmdapi.Cluster{
		Server: server, InsecureSkipTLSVerify: c.TLSClientConfig.Insecure, TLSServerName: c.TLSClientConfig.ServerName,
		CertificateAuthorityData: c.TLSClientConfig.CAData, ProxyURL: c.ProxyURL,
	}
	kubeconfig.AuthInfos[server] = user
	kubeconfig.Contexts[server] = &clientcmdapi.Context{Cluster: server, AuthInfo: server, Namespace: namespace}
	kubeconfig.CurrentContext = server
	return clientcmd.WriteToFile(*kubeconfig, path) // 0600
}
