package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"fairlead.dev/fairlead/internal/settings"
)

// ErrNoBearerToken says that a cluster isn't reached with a token, so that there is none to rotate.
var ErrNoBearerToken = errors.New("does not use bearer token authentication")

// Rotation is a new token for the service account that a cluster is reached as. The old one works until Finish.
type Rotation struct {
	// Token is the new one. Never log it.
	Token string

	client  kubernetes.Interface
	account serviceAccount
	secret  string
}

// serviceAccount is what the token of a service account's Secret says of itself.
type serviceAccount struct {
	Namespace string `json:"kubernetes.io/serviceaccount/namespace"`
	Secret    string `json:"kubernetes.io/serviceaccount/secret.name"`
	Name      string `json:"kubernetes.io/serviceaccount/service-account.name"`
}

const (
	// The token controller fills a Secret within a second; rotateTimeout bounds the wait.
	rotatePoll, rotateTimeout = 200 * time.Millisecond, 30 * time.Second
)

// Rotate makes a second Secret with a token for the service account of the cluster's own token, as Argo CD does.
func Rotate(ctx context.Context, configured settings.Cluster) (*Rotation, error) {
	config, err := configured.RESTConfig()
	if err != nil {
		return nil, err
	}
	if config.BearerToken == "" {
		return nil, ErrNoBearerToken
	}
	account, err := parseServiceAccount(config.BearerToken)
	if err != nil {
		return nil, err
	}
	config.Timeout = probeTimeout
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %q: %w", configured.Name, err)
	}
	return rotate(ctx, client, account)
}

// parseServiceAccount reads a token without checking it: the cluster does, when it is used.
func parseServiceAccount(token string) (serviceAccount, error) {
	var account serviceAccount
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(claims, &account) == nil && account.Namespace != "" && account.Secret != "" && account.Name != "" {
			return account, nil
		}
	}
	return account, errors.New("the cluster's token is not of a service account's secret: only such tokens can be rotated")
}

func rotate(ctx context.Context, client kubernetes.Interface, account serviceAccount) (*Rotation, error) {
	secrets := client.CoreV1().Secrets(account.Namespace)
	old, err := secrets.Get(ctx, account.Secret, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the secret of the token: %w", err)
	}
	prefix, _, _ := cutLast(account.Secret, "-")
	created, err := secrets.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-", Annotations: map[string]string{
			corev1.ServiceAccountNameKey: old.Annotations[corev1.ServiceAccountNameKey],
		}},
		Type: corev1.SecretTypeServiceAccountToken,
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("creating a secret for the new token: %w", err)
	}
	name := created.Name
	err = wait.PollUntilContextTimeout(ctx, rotatePoll, rotateTimeout, true, func(ctx context.Context) (bool, error) {
		created, err = secrets.Get(ctx, name, metav1.GetOptions{})
		return err == nil && len(created.Data[corev1.ServiceAccountTokenKey]) > 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the new token in secret %s/%s: %w", account.Namespace, name, err)
	}
	return &Rotation{Token: string(created.Data[corev1.ServiceAccountTokenKey]), client: client, account: account, secret: name}, nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// Finish takes the old token out of use, once the new one is kept.
func (r *Rotation) Finish(ctx context.Context) error {
	accounts := r.client.CoreV1().ServiceAccounts(r.account.Namespace)
	account, err := accounts.Get(ctx, r.account.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading the service account: %w", err)
	}
	account.Secrets = slices.DeleteFunc(account.Secrets, func(ref corev1.ObjectReference) bool {
		return ref.Name == r.account.Secret || ref.Name == r.secret
	})
	account.Secrets = append(account.Secrets, corev1.ObjectReference{Name: r.secret})
	if _, err := accounts.Update(ctx, account, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("naming the new token in the service account: %w", err)
	}
	err = r.client.CoreV1().Secrets(r.account.Namespace).Delete(ctx, r.account.Secret, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the old token: %w", err)
	}
	return nil
}
