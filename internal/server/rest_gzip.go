package server

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"

	"fairlead.dev/fairlead/internal/settings"
)

// worthIt is the size from which an answer is compressed, in bytes.
const worthIt = 1 << 10

// newCompressor compresses as fast as it can. What the API says repeats itself so much that trying harder saves little.
func newCompressor() *gzip.Writer {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // fails for other levels only
	return w
}

var compressors = sync.Pool{New: func() any { return newCompressor() }}

// compression is gzip for gRPC.
func compression() connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithCompression("gzip", func() connect.Decompressor { return &gzip.Reader{} }, func() connect.Compressor { return newCompressor() }),
		connect.WithCompressMinBytes(worthIt),
	)
}

// answer is the body of an answer in JSON. The first write decides on compression: a short one is all that there is.
type answer struct {
	w        http.ResponseWriter
	gzips    bool
	begun    bool
	compress *gzip.Writer
}

// gzipKey of argocd-cmd-params-cm turns compression of REST answers off.
const gzipKey = "server.enable.gzip"

func (s *Server) newAnswer(w http.ResponseWriter, r *http.Request) (*answer, error) {
	params, err := s.options.Settings.ConfigMap(r.Context(), settings.CmdParamsConfigMap)
	if err != nil {
		return nil, err
	}
	return &answer{w: w, gzips: params[gzipKey] != "false" && readsGzip(r.Header)}, nil
}

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		header := a.w.Header()
		header.Set("Content-Type", "application/json")
		header.Add("Vary", "Accept-Encoding")
		if a.gzips && len(p) >= worthIt {
			header.Set("Content-Encoding", "gzip")
			a.compress = compressors.Get().(*gzip.Writer)
			a.compress.Reset(a.w)
		}
		a.w.WriteHeader(http.StatusOK)
	}
	if a.compress != nil {
		return a.compress.Write(p)
	}
	return a.w.Write(p)
}

// Close ends the answer.
func (a *answer) Close() error {
	if a.compress == nil {
		return nil
	}
	err := a.compress.Close()
	a.compress.Reset(io.Discard) // the pool must not keep the connection
	compressors.Put(a.compress)
	a.compress = nil
	return err
}

// readsGzip tells whether a client says that it does.
func readsGzip(header http.Header) bool {
	for _, line := range header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				weight = strings.Trim(strings.ReplaceAll(weight, " ", ""), "0.")
				return weight != "q="
			}
		}
	}
	return false
}

// clientGone is the error of a write, as a call has it.
func clientGone(err error) error {
	if err == nil {
		return nil
	}
	return fail(connect.CodeCanceled, err)
}
