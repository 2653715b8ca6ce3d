package object

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Images are the images of all containers anywhere in the object, so of any kind that has pod templates, sorted and each
// once.
func Images(u *unstructured.Unstructured) []string {
	var images []string
	collectImages(u.Object, &images)
	slices.Sort(images)
	return slices.Compact(images)
}

func collectImages(value any, images *[]string) {
	switch value := value.(type) {
	case map[string]any:
		for name, child := range value {
			if name == "containers" || name == "initContainers" || name == "ephemeralContainers" {
				collectContainers(child, images)
			}
			collectImages(child, images)
		}
	case []any:
		for _, child := range value {
			collectImages(child, images)
		}
	}
}

func collectContainers(value any, images *[]string) {
	containers, _ := value.([]any)
	for _, container := range containers {
		if fields, ok := container.(map[string]any); ok {
			if image, ok := fields["image"].(string); ok && image != "" {
				*images = append(*images, image)
			}
		}
	}
}
