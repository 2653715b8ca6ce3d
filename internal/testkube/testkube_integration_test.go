//go:build integration

package testkube_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"context"

	"fairlead.dev/fairlead/internal/testkube"
)

func TestTheServerIsSharedAndKeepsWhatIsWritten(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(testkube.Config(t))
	namespace := testkube.Namespace(t)
	if other := testkube.Namespace(t); other == namespace {
		t.Fatalf("two namespaces are called %s", other)
	}
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "note"}, Data: map[string]string{"text": "kept"}}
	if _, err := client.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	again := kubernetes.NewForConfigOrDie(testkube.Config(t))
	got, err := again.CoreV1().ConfigMaps(namespace).Get(t.Context(), "note", metav1.GetOptions{})
	if err != nil || got.Data["text"] != "kept" {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestControllersFinishTheDeletionOfNamespaces(t *testing.T) {
	testkube.Controllers(t)
	client := kubernetes.NewForConfigOrDie(testkube.Config(t))
	namespace := testkube.Namespace(t)
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		t.Fatalf("waiting for the namespace to go: %v", err)
	}
}
