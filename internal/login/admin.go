package login

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// EnsureAdmin makes what must exist before anybody can log on, and leaves alone what does: the signing key, and a password
// for admin, which it writes to argocd-initial-admin-secret. Call it before the hub serves; it may be killed and called
// again at any point.
func EnsureAdmin(ctx context.Context, c client.Client, namespace string) error {
	for attempt := 0; ; attempt++ {
		err := ensureAdmin(ctx, c, namespace)
		if (!apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err)) || attempt == 4 {
			if err != nil {
				return fmt.Errorf("preparing the admin account: %w", err)
			}
			return nil
		}
	}
}

func ensureAdmin(ctx context.Context, c client.Client, namespace string) error {
	key := client.ObjectKey{Namespace: namespace, Name: settings.SecretName}
	var secret corev1.Secret
	err := c.Get(ctx, key, &secret)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	create := err != nil
	if create {
		secret.ObjectMeta = partOf(namespace, settings.SecretName)
		secret.Type = corev1.SecretTypeOpaque
	}
	var configMap corev1.ConfigMap
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: settings.ConfigMapName}, &configMap); client.IgnoreNotFound(err) != nil {
		return err
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	changed := false
	if len(secret.Data[keySigning]) == 0 {
		random := make([]byte, 32)
		rand.Read(random)
		secret.Data[keySigning], changed = []byte(base64.StdEncoding.EncodeToString(random)), true
	}
	if configMap.Data[keyAdminEnabled] != "false" && len(secret.Data[accountKey(AdminName, "password")]) == 0 {
		password, err := initialPassword(ctx, c, namespace)
		if err != nil {
			return err
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
		if err != nil {
			return err
		}
		secret.Data[accountKey(AdminName, "password")] = hash
		secret.Data[accountKey(AdminName, "passwordMtime")] = []byte(time.Now().UTC().Format(time.RFC3339))
		changed = true
	}
	switch {
	case create:
		return c.Create(ctx, &secret)
	case changed:
		return c.Update(ctx, &secret)
	}
	return nil
}

// initialPassword is the one in argocd-initial-admin-secret, made if there is none: it is written down before its hash
// counts, so that a crash between locks nobody out.
func initialPassword(ctx context.Context, c client.Client, namespace string) (string, error) {
	var initial corev1.Secret
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: settings.InitialAdminName}, &initial)
	if client.IgnoreNotFound(err) != nil {
		return "", err
	}
	if password := initial.Data["password"]; err == nil && len(password) > 0 {
		return string(password), nil
	}
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-"
	password := make([]byte, 16)
	for i := range password {
		n, randErr := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if randErr != nil {
			return "", randErr
		}
		password[i] = letters[n.Int64()]
	}
	missing := err != nil
	if missing {
		initial = corev1.Secret{ObjectMeta: partOf(namespace, settings.InitialAdminName), Type: corev1.SecretTypeOpaque}
	}
	initial.Data = map[string][]byte{"password": password}
	if missing {
		err = c.Create(ctx, &initial)
	} else {
		err = c.Update(ctx, &initial)
	}
	return string(password), err
}

func partOf(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}}
}
