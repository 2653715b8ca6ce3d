package application

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// longestCrowd bounds how long a new application waits for the others of its set.
const longestCrowd = 5 * time.Second

// untilOthersAreMade is for how long an application that was just made by a set waits at most while the set makes many more; zero if
// it is its turn. It is woken before if the set has made them.
func (r *Reconciler) untilOthersAreMade(app *v1alpha1.Application) time.Duration {
	set := metav1.GetControllerOf(app)
	_, asked := app.Annotations[v1alpha1.RefreshAnnotation]
	lookedAt := app.Status.Sync.Status != ""
	if r.making == nil || set == nil || lookedAt || asked || app.Operation != nil || app.DeletionTimestamp != nil {
		return 0
	}
	wait := min(longestCrowd, longestCrowd-r.clock.Since(app.CreationTimestamp.Time))
	name := client.ObjectKeyFromObject(app)
	if wait <= 0 || !r.making.Wait(types.NamespacedName{Namespace: app.Namespace, Name: set.Name}, name, func() { r.wake(name) }) {
		return 0
	}
	return wait
}
