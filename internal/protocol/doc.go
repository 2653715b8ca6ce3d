// Package protocol is the language between the hub and its clients: the messages of Argo CD's services and of ours, the
// names of the procedures with the types that they take and give, and the codec that turns messages into Protocol
// Buffers and JSON.
//
// The messages are plain Go structs; the kinds of api/… are messages as they are. Their `protobuf` tags carry upstream's
// field numbers, so that Argo CD's own clients are understood without its code. It is not a server or a client: nothing
// here does I/O. Start with procedures.go for what can be called, and with codec.go for how it is written.
package protocol
