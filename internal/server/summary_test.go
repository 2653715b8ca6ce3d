package server

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestRolloutWhoseChangeWasNotSeenYetIsProgressing(t *testing.T) {
	live := func(generation int64) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
			"metadata": map[string]any{"name": "shop", "generation": generation},
			"spec":     map[string]any{"strategy": map[string]any{"canary": map[string]any{}}},
			"status":   map[string]any{"phase": "Healthy", "observedGeneration": "2"},
		}}
	}
	for generation, want := range map[int64]string{2: "Healthy", 3: "Progressing"} {
		summary, err := summarize(&argo.Application{}, live(generation))
		if err != nil || summary.Phase != want {
			t.Errorf("generation %d: phase %q, want %q (%v)", generation, summary.Phase, want, err)
		}
	}
}
