package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/object"
)

// maxBackup bounds a backup, in bytes: one of 10,000 applications has some 100 MB.
const maxBackup = 1 << 30

// importing is how a backup is brought in.
type importing struct {
	client                                               kubeclient.Client
	namespace                                            string
	further                                              namespaceFlags
	prune, dryRun, verbose, stop, keepTracking, override bool
	skip                                                 string
}

func newAdminImportCommand(r *root) *cobra.Command {
	i := &importing{}
	cmd := &cobra.Command{
		Use: "import SOURCE", Short: "Bring in a backup of 'admin export', of a file or - for standard input", Args: exactArgs("SOURCE"),
		Example: "  fairlead admin import -n argocd --dry-run backup.yaml\n  fairlead admin import -n argocd - < backup.yaml",
	}
	kube := r.adminKube(cmd)
	i.further.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&i.dryRun, "dry-run", false, "only print what would be done")
	flags.BoolVar(&i.prune, "prune", false, "delete credentials, projects, applications and ApplicationSets that the backup doesn't have")
	flags.BoolVar(&i.keepTracking, "ignore-tracking", false, "leave objects to the application that they belong to now")
	flags.BoolVar(&i.override, "override-on-conflict", false, "try again when an object was changed meanwhile")
	flags.BoolVar(&i.verbose, "verbose", false, "print what needs no change too")
	flags.BoolVar(&i.stop, "stop-operation", false, "stop operations that wait to begin")
	flags.StringVar(&i.skip, "skip-resources-with-label", "", "leave alone objects with this KEY=VALUE label")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if i.client, i.namespace, err = kube.connect(); err != nil {
			return err
		}
		r.printf("import process started %s\n", i.namespace)
		began := time.Now()
		backup, err := r.readBackup(args[0])
		if err != nil {
			return err
		}
		if err := r.importAll(cmd.Context(), i, backup); err != nil {
			return err
		}
		r.printf("Import process completed successfully in namespace %s at %s, duration: %s\n", i.namespace, time.Now().Format(time.RFC3339), time.Since(began))
		return nil
	}
	return cmd
}

func (r *root) readBackup(source string) ([]*unstructured.Unstructured, error) {
	input := r.streams.In
	if source != "-" {
		file, err := os.Open(source)
		if err != nil {
			return nil, fmt.Errorf("reading the backup: %w", err)
		}
		defer file.Close()
		input = file
	}
	text, err := io.ReadAll(io.LimitReader(input, maxBackup))
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	var backup []*unstructured.Unstructured
	for document := range strings.SplitSeq("\n"+string(text), "\n---") {
		objects, err := object.Parse([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("reading the backup: %w", err)
		}
		backup = append(backup, objects...)
	}
	for _, u := range backup {
		if !slices.ContainsFunc(backupKinds, func(kind schema.GroupVersionKind) bool { return kind.GroupKind() == u.GroupVersionKind().GroupKind() }) {
			return nil, fmt.Errorf("reading the backup: %s %q is of no kind that a backup has", u.GroupVersionKind().GroupKind(), u.GetName())
		}
	}
	return backup, nil
}

// backupName is how an object is told of.
func backupName(u *unstructured.Unstructured) string {
	return fmt.Sprintf("%s/%s %s", u.GroupVersionKind().Group, u.GetKind(), u.GetName())
}

func (i *importing) skips(u *unstructured.Unstructured) bool {
	key, value, ok := strings.Cut(i.skip, "=")
	return ok && key != "" && value != "" && u.GetLabels()[key] == value
}

func (r *root) importAll(ctx context.Context, i *importing, backup []*unstructured.Unstructured) error {
	live, err := r.backupObjects(ctx, i.client, i.namespace, &i.further)
	if err != nil {
		return err
	}
	if i.prune && len(backup) == 0 {
		return errors.New("the backup is empty: pruning by it would delete everything")
	}
	left := map[object.Key]*unstructured.Unstructured{}
	var order []object.Key
	for n := range live {
		key := object.KeyOf(&live[n])
		left[key], order = &live[n], append(order, key)
	}
	for _, u := range backup {
		if u.GetNamespace() == "" {
			u.SetNamespace(i.namespace)
		}
		key := object.KeyOf(u)
		now := left[key]
		delete(left, key)
		if i.skips(u) {
			r.printf("Skipping %s in namespace %s\n", backupName(u), u.GetNamespace())
			continue
		}
		patterns := map[string][]string{"Application": i.further.applications, "ApplicationSet": i.further.sets}[u.GetKind()]
		if u.GetNamespace() != i.namespace && !matches(patterns, u.GetNamespace()) {
			continue
		}
		if err := r.importOne(ctx, i, u, now); err != nil {
			return err
		}
	}
	for _, key := range order {
		if u := left[key]; u != nil {
			if err := r.pruneOne(ctx, i, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// dry is what is said after what a dry run would do.
func (i *importing) dry() string {
	if i.dryRun {
		return " (dry run)"
	}
	return ""
}

func (r *root) importOne(ctx context.Context, i *importing, u, now *unstructured.Unstructured) error {
	if now == nil {
		return r.imported(i, u, "created", func() error { return i.client.Create(ctx, u) })
	}
	if i.keepTracking {
		keepTracking(u, now)
	}
	changed := restored(u, now, i.stop)
	if reflect.DeepEqual(changed.Object, now.Object) {
		if i.verbose {
			r.printf("%s unchanged%s\n", backupName(u), i.dry())
		}
		return nil
	}
	return r.imported(i, u, "updated", func() error {
		err := i.client.Update(ctx, changed)
		if !apierrors.IsConflict(err) {
			return err
		}
		r.printf("Failed to update %s in namespace %s: %v\n", backupName(u), u.GetNamespace(), err)
		if !i.override {
			return err
		}
		return retry.RetryOnConflict(retry.DefaultRetry, func() error {
			current := now.DeepCopy()
			if err := i.client.Get(ctx, kubeclient.ObjectKeyFromObject(now), current); err != nil {
				return err
			}
			return i.client.Update(ctx, restored(u, current, i.stop))
		})
	})
}

// imported does a change and tells of it; what the user may not do is told, and doesn't end the import.
func (r *root) imported(i *importing, u *unstructured.Unstructured, done string, do func() error) error {
	if !i.dryRun {
		err := do()
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			r.note("%s: %v", backupName(u), err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("importing %s: %w", backupName(u), err)
		}
	}
	r.printf("%s in namespace %s %s%s\n", backupName(u), u.GetNamespace(), done, i.dry())
	return nil
}

// restored is the live object with what the backup says.
func restored(u, now *unstructured.Unstructured, stop bool) *unstructured.Unstructured {
	changed := now.DeepCopy()
	changed.SetAnnotations(u.GetAnnotations())
	changed.SetLabels(u.GetLabels())
	changed.SetFinalizers(u.GetFinalizers())
	fields := []string{"spec"}
	switch u.GetKind() {
	case "Secret", "ConfigMap":
		fields = []string{"data"}
	case "Application":
		if u.Object["status"] != nil {
			fields = append(fields, "status")
		}
		if stop {
			delete(changed.Object, "operation")
		}
	}
	for _, field := range fields {
		if value, ok := u.Object[field]; ok {
			changed.Object[field] = value
		} else {
			delete(changed.Object, field)
		}
	}
	return changed
}

// keepTracking leaves an object to the application that it belongs to now.
func keepTracking(u, now *unstructured.Unstructured) {
	annotations, labels := u.GetAnnotations(), u.GetLabels()
	for key, pair := range map[string][2]map[string]string{
		object.TrackingAnnotation: {annotations, now.GetAnnotations()}, object.InstanceLabel: {labels, now.GetLabels()},
	} {
		if _, backed := pair[0][key]; backed && pair[1][key] != "" {
			pair[0][key] = pair[1][key]
		}
	}
	u.SetAnnotations(annotations)
	u.SetLabels(labels)
}

// pruneOne deletes what the backup doesn't have. Settings stay, and so does what an application deployed.
func (r *root) pruneOne(ctx context.Context, i *importing, u *unstructured.Unstructured) error {
	switch {
	case i.skips(u):
		r.printf("Skipping pruning of %s in namespace %s\n", backupName(u), u.GetNamespace())
		return nil
	case !i.prune || u.GetKind() == "ConfigMap":
		r.printf("%s needs pruning\n", backupName(u))
		return nil
	case !i.dryRun && !r.confirm(fmt.Sprintf("Are you sure you want to prune %s ? [y/n]", backupName(u))):
		r.printf("The command to prune %s was cancelled.\n", backupName(u))
		return nil
	}
	if !i.dryRun {
		if u.GetKind() == "Application" && len(u.GetFinalizers()) > 0 {
			u.SetFinalizers(nil)
			if err := i.client.Update(ctx, u); kubeclient.IgnoreNotFound(err) != nil {
				return fmt.Errorf("pruning %s: %w", backupName(u), err)
			}
		}
		err := i.client.Delete(ctx, u)
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			r.note("%s: %v", backupName(u), err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("pruning %s: %w", backupName(u), err)
		}
	}
	r.printf("%s pruned%s\n", backupName(u), i.dry())
	return nil
}
