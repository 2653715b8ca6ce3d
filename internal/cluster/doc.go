// Package cluster is the only way to the clusters that applications are deployed to, and the only package that writes to
// them.
//
// There is one connection and one live cache per cluster, shared by all applications. The cache watches a kind only while
// applications have something to do with it, with one watch per kind; it keeps whole objects of what applications manage,
// and of everything else little more than identity and owner. It tells which application a change concerns. A cluster
// that can't be reached fails fast, for its own applications only, and comes back by itself.
//
// The package applies, deletes and looks up; it doesn't know what is desired or when to act. Start with Registry, then
// Cluster; watch.go and store.go are the cache.
package cluster
