package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

const (
	// maxLogPods bounds the pods whose logs are read at once, upstream's default.
	maxLogPods = 10
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
		return invalid("no matching pod found")
	}
	if len(pods) > maxLogPods {
		return invalid("max pods to view logs are reached. Please provide more granular query")
	}
	keep, err := logFilter(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan *protocol.LogEntry)
	readers, readersCtx := errgroup.WithContext(ctx)
	for _, pod := range pods {
		readers.Go(func() error { return readLog(readersCtx, logger, app, pod, q, lines) })
	}
	ended := make(chan error, 1)
	go func() { ended <- readers.Wait(); close(lines) }()
	for entry := range lines {
		if !keep(entry) {
			continue
		}
		if err := send(entry); err != nil {
			return err // the readers end with ctx
		}
	}
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	now := metav1.NewTime(s.options.Clock.Now())
	return send(&protocol.LogEntry{Last: true, TimeStamp: now, TimeStampStr: now.UTC().Format(time.RFC3339Nano)})
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
func logFilter(q *protocol.ApplicationPodLogsQuery) (func(*protocol.LogEntry) bool, error) {
	var until time.Time
	if q.UntilTime != "" {
		var err error
		if until, err = time.Parse(time.RFC3339Nano, q.UntilTime); err != nil {
			return nil, invalid(fmt.Sprintf("invalid untilTime parameter value: %v", err))
		}
	}
	// A leading "!" turns the filter round.
	literal, inverse := strings.CutPrefix(q.Filter, "!")
	if !q.MatchCase {
		literal = strings.ToLower(literal)
	}
	return func(entry *protocol.LogEntry) bool {
		if !until.IsZero() && entry.TimeStamp.After(until) {
			return false
		}
		content := entry.Content
		if !q.MatchCase {
			content = strings.ToLower(content)
		}
		return literal == "" || strings.Contains(content, literal) != inverse
	}, nil
}

func readLog(ctx context.Context, logger PodLogger, app *argo.Application, pod protocol.ResourceRef, q *protocol.ApplicationPodLogsQuery,
	lines chan<- *protocol.LogEntry,
) error {
	stream, err := logger.PodLog(ctx, app, pod, q)
	if err != nil {
		return fmt.Errorf("reading the log of pod '%s': %w", pod.Name, err)
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
