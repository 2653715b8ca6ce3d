// Package server is the hub's API: one table of calls (table.go), each a row of procedure, REST routes, permission and
// handler. gRPC, gRPC-web, Connect and REST are served from the same rows on one port, over HTTP/1.1 and HTTP/2.
//
// A handler doesn't serve anybody by accident: the row says which permission is due, the handler names the object, and
// an answer for which nothing was checked is withheld (call.go). The server keeps nothing; it reads and writes the hub's
// Kubernetes objects, and asks the parts that Options name for what lies in clusters and repositories. It isn't a
// controller: what it asks for, they do. Start with table.go.
package server
