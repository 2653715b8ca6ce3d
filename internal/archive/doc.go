// Package archive unpacks tar archives from strangers into memory: charts, and artifacts of OCI registries.
//
// Nothing is written to a disk. What a Tree holds is bounded in bytes and files, has no name that leads out of it, and
// never changes, so that its digest says all about it. The package downloads nothing: internal/chart and internal/oci do.
//
// Start with Unpack.
package archive
