package app

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
)

// newInformer makes an informer of the hub's own objects, which begins with a list. Client-go would rather stream what there is
// through a watch (WatchList), and that ends with a bookmark which an API server that is otherwise at rest sends up to a second
// later, for each kind: a hub would start two seconds later than it could. The objects of the hub's namespace are few
// enough to be listed; those of member clusters, which may not be, are streamed (internal/cluster).
func newInformer(lw toolscache.ListerWatcher, exemplar runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	if plain, ok := lw.(*toolscache.ListWatch); ok {
		lw = toolscache.ToListWatcherWithWatchListSemantics(plain, listsFirst{})
	}
	return toolscache.NewSharedIndexInformer(lw, exemplar, resync, indexers)
}

// listsFirst is a client that says that it can't begin with a watch.
type listsFirst struct{}

// IsWatchListSemanticsUnSupported says so.
func (listsFirst) IsWatchListSemanticsUnSupported() bool { return true }
