package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

const (
	// defaultLogPods is upstream's bound for the pods whose logs are read at once, and maxLogPods the most that an operator can
	// make of it.
	defaultLogPods, maxLogPods = 10, 1000
	// maxLogLine bounds a line of a log; longer ones are cut.
	maxLogLine = 64 << 10
)

// podLogs sends the logs of a pod, or of all pods below an object, as they come, and at last an empty entry.
func (s *Server) podLogs(ctx context.Context, c *call, q *protocol.ApplicationPodLogsQuery, send func(*protocol.LogEntry) error) error {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return err
	}
	logger, ok := s.options.Fleet.(PodLogger)
	if !ok {
		return missingPart("read the logs of pods")
	}
	tree, err := s.tree(ctx, app)
	if err != nil {
		return err
	}
	pods := podsBelow(tree, q)
	if len(pods) == 0 {
		return nil // as upstream: the stream ends
	}
	limit, err := s.maxLogPods(ctx)
	if err != nil {
		return err
	}
	if len(pods) > limit {
		return invalid("max pods to view logs are reached. Please provide more granular query")
	}
	keep, err := newLogFilter(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	readers, readersCtx := errgroup.WithContext(ctx)
	logs := make([]chan *protocol.LogEntry, len(pods))
	for i, pod := range pods {
		logs[i] = make(chan *protocol.LogEntry)
		readers.Go(func() error {
			defer close(logs[i])
			return readLog(readersCtx, logger, app, pod, q, logs[i])
		})
	}
	merge := mergeLogs
	if q.Follow {
		merge = s.mergeFollowed
	}
	var past bool
	err = merge(ctx, logs, func(entry *protocol.LogEntry) error {
		if past = past || keep.past(entry); past {
			return errPast
		}
		if !keep.wants(entry) {
			return nil
		}
		return send(entry)
	})
	if err != nil && !past {
		return err // the readers end with ctx
	}
	if past {
		cancel()
	}
	if err := readers.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	now := metav1.NewTime(s.options.Clock.Now())
	return send(&protocol.LogEntry{Last: true, TimeStamp: now, TimeStampStr: now.UTC().Format(time.RFC3339Nano)})
}

// maxLogPods is how many pods' logs the operator lets be read at once.
func (s *Server) maxLogPods(ctx context.Context) (int, error) {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return 0, err
	}
	if n, err := strconv.Atoi(config["server.maxPodLogsToRender"]); err == nil && n > 0 {
		return min(n, maxLogPods), nil
	}
	return defaultLogPods, nil
}

// podsBelow are the pods of a tree that a query means: the named one, all below the named object, or all.
func podsBelow(tree *protocol.ApplicationTree, q *protocol.ApplicationPodLogsQuery) []protocol.ResourceRef {
	// References to parents may lack version and UID.
	id := func(ref protocol.ResourceRef) protocol.ResourceRef {
		ref.Version, ref.UID = "", ""
		return ref
	}
	parents := map[protocol.ResourceRef][]protocol.ResourceRef{}
	for i := range tree.Nodes {
		parents[id(tree.Nodes[i].ResourceRef)] = tree.Nodes[i].ParentRefs
	}
	named := func(ref protocol.ResourceRef) bool {
		return (q.Kind == "" || q.Kind == ref.Kind) && (q.Group == "" || q.Group == ref.Group) &&
			(q.ResourceName == "" || q.ResourceName == ref.Name) && (q.Namespace == "" || q.Namespace == ref.Namespace)
	}
	var below func(ref protocol.ResourceRef, depth int) bool
	below = func(ref protocol.ResourceRef, depth int) bool {
		return named(ref) || (depth < 10 && slices.ContainsFunc(parents[id(ref)], func(p protocol.ResourceRef) bool { return below(p, depth+1) }))
	}
	var pods []protocol.ResourceRef
	for i := range tree.Nodes {
		ref := tree.Nodes[i].ResourceRef
		if ref.Kind != "Pod" || ref.Group != "" {
			continue
		}
		if q.PodName != "" {
			if ref.Name == q.PodName && (q.Namespace == "" || q.Namespace == ref.Namespace) {
				pods = append(pods, ref)
			}
		} else if below(ref, 0) {
			pods = append(pods, ref)
		}
	}
	return pods
}

// logFilter tells which lines a query wants.
type logFilter struct {
	until              time.Time
	literal            string
	inverse, matchCase bool
}

func newLogFilter(q *protocol.ApplicationPodLogsQuery) (logFilter, error) {
	f := logFilter{matchCase: q.MatchCase}
	if q.UntilTime != "" {
		var err error
		if f.until, err = time.Parse(time.RFC3339Nano, q.UntilTime); err != nil {
			return f, invalid(fmt.Sprintf("invalid untilTime parameter value: %v", err))
		}
	}
	// A leading "!" turns the filter round.
	f.literal, f.inverse = strings.CutPrefix(q.Filter, "!")
	if !f.matchCase {
		f.literal = strings.ToLower(f.literal)
	}
	return f, nil
}

// past tells that a line, and so every later one, is too late.
func (f logFilter) past(entry *protocol.LogEntry) bool {
	return !f.until.IsZero() && entry.TimeStamp.After(f.until)
}

func (f logFilter) wants(entry *protocol.LogEntry) bool {
	content := entry.Content
	if !f.matchCase {
		content = strings.ToLower(content)
	}
	return f.literal == "" || strings.Contains(content, f.literal) != f.inverse
}

func readLog(ctx context.Context, logger PodLogger, app *argo.Application, pod protocol.ResourceRef, q *protocol.ApplicationPodLogsQuery,
	lines chan<- *protocol.LogEntry,
) error {
	stream, err := logger.PodLog(ctx, app, pod, q)
	if err != nil { // a container that hasn't begun, mostly: who looks at logs sees why there are none
		select {
		case lines <- &protocol.LogEntry{Content: err.Error(), PodName: pod.Name}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer stream.Close()
	reader := bufio.NewReaderSize(stream, maxLogLine)
	for {
		line, isPrefix, err := reader.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the log of pod '%s': %w", pod.Name, err)
		}
		entry := toLogEntry(string(line), pod.Name)
		for isPrefix && err == nil {
			_, isPrefix, err = reader.ReadLine()
		}
		select {
		case lines <- entry:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// toLogEntry takes the kubelet's timestamp from a line.
func toLogEntry(line, pod string) *protocol.LogEntry {
	entry := &protocol.LogEntry{Content: line, PodName: pod}
	if stamp, content, ok := strings.Cut(line, " "); ok {
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			entry.Content, entry.TimeStamp, entry.TimeStampStr = content, metav1.NewTime(at), stamp
		}
	}
	entry.Content = strings.ToValidUTF8(entry.Content, "�")
	return entry
}
