package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// InfoItem is a word on an object in the resource tree, such as Containers 2/2; Argo CD's names.
type InfoItem struct{ Name, Value string }

// healthOf tells an object's health; nil for kinds that have none.
type healthOf func(*unstructured.Unstructured) *health.Status

// summary is what the tree shows of an object, kept instead of the object. What many objects have in common, such as the
// health of all that are well and the labels of a Deployment's pods, is there once.
type summary struct {
	health  unique.Handle[health.Status]
	healthy bool // whether there is a health
	// facts are what is equal for many objects.
	facts unique.Handle[facts]
	pod   *podFacts
	host  *hostFacts
	// labelsOnly says that nothing else is known, of a kind of which there is metadata.
	labelsOnly bool
}

// facts are a summary's comparable part. Lists are joined by newlines, maps are JSON.
type facts struct {
	images, network, labels string
	revision                int64
}

// podFacts are what `kubectl get pods` shows, and what the pod asks of its node.
type podFacts struct {
	reason, node       string
	ready, all         int16
	restarts           int32
	done               bool
	milliCPU, memBytes int64
}

var (
	pods                   = schema.GroupKind{Kind: "Pod"}
	nodes                  = schema.GroupKind{Kind: "Node"}
	services               = schema.GroupKind{Kind: "Service"}
	persistentVolumeClaims = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	replicaSets            = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	jobs                   = schema.GroupKind{Group: "batch", Kind: "Job"}
)

// summarized are the kinds of which more is known than identity and owner although no application manages the object.
func summarized(kind schema.GroupKind) bool {
	switch kind {
	case pods, replicaSets, jobs, nodes, services, persistentVolumeClaims:
		return true
	}
	return kind.Group == "argoproj.io" && (kind.Kind == "AnalysisRun" || kind.Kind == "Experiment")
}

func (m maker) summarize(u *unstructured.Unstructured) *summary {
	s := &summary{}
	if status := m.health(u); status != nil {
		s.health, s.healthy = unique.Make(*status), true
	}
	f := facts{images: strings.Join(object.Images(u), "\n"), revision: revisionOf(u), labels: m.shownLabels(u)}
	if network := networkOf(u); network != nil {
		text, err := json.Marshal(network)
		if err == nil {
			f.network = string(text)
		}
	}
	s.facts = unique.Make(f)
	switch u.GroupVersionKind().GroupKind() {
	case pods:
		s.pod = podOf(u)
	case nodes:
		s.host = hostOf(u)
	}
	return s
}

// labelled is the summary of an object of which the tree shows labels only; nil where it has none of those.
func (m maker) labelled(meta metav1.Object) *summary {
	labels := m.shownLabels(meta)
	if labels == "" {
		return nil
	}
	return &summary{facts: unique.Make(facts{labels: labels}), labelsOnly: true}
}

// shownLabels are lines of name=value.
func (m maker) shownLabels(meta metav1.Object) string {
	if len(m.labels) == 0 {
		return ""
	}
	var lines []string
	all := meta.GetLabels()
	for _, name := range m.labels {
		if value, ok := all[name]; ok {
			lines = append(lines, name+"="+value)
		}
	}
	return strings.Join(lines, "\n")
}

// less tells that another summary of the same object says more.
func (s *summary) less(other *summary) bool {
	return other != nil && (s == nil || s.labelsOnly && !other.labelsOnly)
}

func (s *summary) status() *health.Status {
	if s == nil || !s.healthy {
		return nil
	}
	status := s.health.Value()
	return &status
}

func (s *summary) images() []string {
	if images := s.facts.Value().images; images != "" {
		return strings.Split(images, "\n")
	}
	return nil
}

func (s *summary) network() *Network {
	text := s.facts.Value().network
	if text == "" {
		return nil
	}
	var network Network
	if json.Unmarshal([]byte(text), &network) != nil {
		return nil
	}
	return &network
}

// info is in Argo CD's order and words.
func (s *summary) info() []InfoItem {
	var info []InfoItem
	if revision := s.facts.Value().revision; revision > 0 {
		info = append(info, InfoItem{"Revision", fmt.Sprintf("Rev:%d", revision)})
	}
	if labels := s.facts.Value().labels; labels != "" {
		for line := range strings.SplitSeq(labels, "\n") {
			name, value, _ := strings.Cut(line, "=")
			info = append(info, InfoItem{name, value})
		}
	}
	p := s.pod
	if p == nil {
		return info
	}
	if p.reason != "" {
		info = append(info, InfoItem{"Status Reason", p.reason})
	}
	info = append(info, InfoItem{"Node", p.node}, InfoItem{"Containers", fmt.Sprintf("%d/%d", p.ready, p.all)})
	if p.restarts > 0 {
		info = append(info, InfoItem{"Restart Count", strconv.Itoa(int(p.restarts))})
	}
	if !p.done {
		info = append(info, InfoItem{"cpu", strconv.FormatInt(p.milliCPU, 10)},
			InfoItem{"memory", strconv.FormatInt(p.memBytes*1000, 10)})
	}
	return info
}

func revisionOf(u *unstructured.Unstructured) int64 {
	annotations := u.GetAnnotations()
	for _, name := range []string{"deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"} {
		if revision, err := strconv.ParseInt(annotations[name], 10, 64); err == nil {
			return revision
		}
	}
	if u.GetKind() == "ControllerRevision" {
		revision, _, _ := unstructured.NestedInt64(u.Object, "revision")
		return revision
	}
	return 0
}

// hostFacts are those of a node that people look at.
type hostFacts struct {
	capacity corev1.ResourceList
	system   corev1.NodeSystemInfo
	labels   map[string]string
}

func hostOf(u *unstructured.Unstructured) *hostFacts {
	var node corev1.Node
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &node); err != nil {
		return nil
	}
	return &hostFacts{capacity: node.Status.Capacity, system: node.Status.NodeInfo, labels: node.Labels}
}

func podOf(u *unstructured.Unstructured) *podFacts {
	var pod corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &pod); err != nil {
		return &podFacts{}
	}
	p := &podFacts{node: shared(pod.Spec.NodeName), all: int16(len(pod.Spec.Containers))}
	p.done = pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	reason := string(pod.Status.Phase)
	if pod.Status.Reason != "" {
		reason = pod.Status.Reason
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			reason = c.Reason
		}
	}
	reason, initializing := p.initReason(&pod, reason)
	if !initializing || slices.ContainsFunc(pod.Status.Conditions, isInitialized) {
		reason = p.containerReason(&pod, reason)
	}
	switch {
	case pod.DeletionTimestamp != nil && pod.Status.Reason == "NodeLost":
		reason = "Unknown"
	case pod.DeletionTimestamp != nil && !p.done:
		reason = "Terminating"
	}
	p.reason = shared(reason)
	p.milliCPU, p.memBytes = requests(&pod.Spec)
	return p
}

func isInitialized(c corev1.PodCondition) bool {
	return c.Type == corev1.PodInitialized && c.Status == corev1.ConditionTrue
}

// isSidecar tells an init container that goes on beside the others.
func isSidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// initReason looks at the init containers up to the first that isn't through.
func (p *podFacts) initReason(pod *corev1.Pod, reason string) (string, bool) {
	sidecars := map[string]bool{}
	for _, c := range pod.Spec.InitContainers {
		if isSidecar(c) {
			sidecars[c.Name] = true
			p.all++
		}
	}
	for i, c := range pod.Status.InitContainerStatuses {
		p.restarts += c.RestartCount
		ended, waiting := c.State.Terminated, c.State.Waiting
		switch {
		case ended != nil && ended.ExitCode == 0:
			continue
		case sidecars[c.Name] && c.Started != nil && *c.Started:
			if c.Ready {
				p.ready++
			}
			continue
		case ended != nil:
			return "Init:" + endReason(ended), true
		case waiting != nil && waiting.Reason != "" && waiting.Reason != "PodInitializing":
			return "Init:" + waiting.Reason, true
		}
		return fmt.Sprintf("Init:%d/%d", i, len(pod.Spec.InitContainers)), true
	}
	return reason, false
}

func endReason(ended *corev1.ContainerStateTerminated) string {
	switch {
	case ended.Reason != "":
		return ended.Reason
	case ended.Signal != 0:
		return fmt.Sprintf("Signal:%d", ended.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", ended.ExitCode)
}

// containerReason takes the reason of the first container that has one.
func (p *podFacts) containerReason(pod *corev1.Pod, reason string) string {
	running := false
	for _, c := range slices.Backward(pod.Status.ContainerStatuses) {
		p.restarts += c.RestartCount
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			reason = c.State.Waiting.Reason
		case c.State.Terminated != nil:
			reason = endReason(c.State.Terminated)
		case c.Ready && c.State.Running != nil:
			running = true
			p.ready++
		}
	}
	if reason == "Completed" && running {
		return "Running"
	}
	return reason
}

// requests are what the scheduler counts: the sum of the containers and sidecars, or the largest init container if that
// is more, and the pod's overhead.
func requests(spec *corev1.PodSpec) (milliCPU, memBytes int64) {
	amount := func(scale func(corev1.ResourceList) int64) int64 {
		var sum, sidecars, largest int64
		for _, c := range spec.Containers {
			sum += scale(c.Resources.Requests)
		}
		for _, c := range spec.InitContainers {
			if isSidecar(c) {
				sidecars += scale(c.Resources.Requests)
				largest = max(largest, sidecars)
			} else {
				largest = max(largest, sidecars+scale(c.Resources.Requests))
			}
		}
		return max(sum+sidecars, largest) + scale(spec.Overhead)
	}
	milliCPU = amount(func(l corev1.ResourceList) int64 { return l.Cpu().MilliValue() })
	memBytes = amount(func(l corev1.ResourceList) int64 { return l.Memory().Value() })
	return milliCPU, memBytes
}
