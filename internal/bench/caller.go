package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/protocol"
)

// caller asks the hub's API for bytes, and leaves them as they are: what a client makes of an answer is not the hub's time.
type caller struct {
	base, token string
	// one speaks HTTP/1.1, two HTTP/2. Neither asks for compression by itself.
	one, two *http.Client
}

func newCaller(base, token string) caller {
	two := &http.Transport{Protocols: &http.Protocols{}, DisableCompression: true}
	two.Protocols.SetUnencryptedHTTP2(true)
	return caller{
		base: base, token: token,
		one: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 200}},
		two: &http.Client{Transport: two},
	}
}

// way is how applications are asked for. What begins with "application/grpc" is a content type, all else is REST.
type way struct {
	name, contentType string
	// encoding is what the client can read besides plain bytes.
	encoding string
	// fields are the selection of REST calls; empty for all.
	fields string
}

// The ways that clients have. Argo CD's command line says that it can read gzip, as ours and every browser do.
var (
	overGRPC     = way{name: "gRPC", contentType: "application/grpc+proto"}
	overGRPCGzip = way{name: "gRPC, gzip", contentType: "application/grpc+proto", encoding: "gzip"}
	overWeb      = way{name: "gRPC-web", contentType: "application/grpc-web+proto"}
	overREST     = way{name: "REST"}
	overRESTGzip = way{name: "REST, gzip", encoding: "gzip"}
	ofUI         = way{name: "REST, the UI's fields", fields: listFields}
	ofUIGzip     = way{name: "REST, the UI's fields, gzip", fields: listFields, encoding: "gzip"}
	ofNames      = way{name: "REST, only names", fields: "metadata.continue,items.metadata.name"}
)

// selection is what Argo CD's UI reads of an application in a list.
const selection = "metadata.name,metadata.namespace,metadata.annotations,metadata.labels,metadata.creationTimestamp,metadata.deletionTimestamp," +
	"spec,operation.sync,status.sync.status,status.sync.revision,status.health,status.operationState.phase,status.operationState.startedAt," +
	"status.operationState.finishedAt,status.operationState.operation.sync,status.summary,status.resources"

// listFields and watchFields are the selections of the UI's list and watch.
var (
	listFields  = "metadata.resourceVersion," + below("items.")
	watchFields = "result.type," + below("result.application.")
)

func below(prefix string) string { return prefix + strings.ReplaceAll(selection, ",", ","+prefix) }

// open sends a call of the ApplicationService, which REST has at a path.
func (c caller) open(ctx context.Context, w way, method, path string, q *protocol.ApplicationQuery) (*http.Response, error) {
	var request *http.Request
	client := c.one
	if w.contentType != "" {
		message, err := protocol.Proto{}.Marshal(q)
		if err != nil {
			return nil, err
		}
		framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
		if request, err = http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/application.ApplicationService/"+method, bytes.NewReader(framed)); err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", w.contentType)
		request.Header.Set("Grpc-Accept-Encoding", w.encoding)
		request.Header.Set("Te", "trailers")
		if w.contentType == overGRPC.contentType {
			client = c.two
		}
	} else {
		query, err := queryOf(q)
		if err != nil {
			return nil, err
		}
		if w.fields != "" {
			query.Set("fields", w.fields)
		}
		if request, err = http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), nil); err != nil {
			return nil, err
		}
		request.Header.Set("Accept-Encoding", w.encoding)
		if strings.Contains(path, "/stream/") {
			request.Header.Set("Accept", "text/event-stream")
		}
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	request.Header.Set("Token", c.token)
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", method, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return nil, fmt.Errorf("calling %s by %s: %s: %s", method, w.name, response.Status, text)
	}
	return response, nil
}

// queryOf is a query as REST calls have it.
func queryOf(q *protocol.ApplicationQuery) (url.Values, error) {
	encoded, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, value := range fields {
		if list, ok := value.([]any); ok {
			for _, one := range list {
				query.Add(name, fmt.Sprint(one))
			}
			continue
		}
		query.Set(name, fmt.Sprint(value))
	}
	return query, nil
}

// answer is what came of a call: when the last byte was there, and how many they were.
type answer struct {
	took  time.Duration
	bytes int64
	// next is where the next page begins, if the answer says so in JSON.
	next string
}

// list reads a whole list, and says whether it went well.
func (c caller) list(ctx context.Context, w way, q *protocol.ApplicationQuery) (answer, error) {
	began := time.Now()
	response, err := c.open(ctx, w, "List", "/api/v1/applications", q)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	var a answer
	head := &start{}
	if a.bytes, err = io.Copy(io.MultiWriter(io.Discard, head), response.Body); err != nil {
		return a, fmt.Errorf("reading a list by %s: %w", w.name, err)
	}
	a.took = time.Since(began)
	if status := response.Trailer.Get("Grpc-Status"); status != "" && status != "0" || response.Header.Get("Grpc-Status") != "" {
		return a, fmt.Errorf("reading a list by %s: status %s%s: %s", w.name, status, response.Header.Get("Grpc-Status"), response.Trailer.Get("Grpc-Message"))
	}
	if w.encoding == "" && w.contentType == "" {
		a.next = head.next()
	}
	return a, nil
}

// start keeps the first bytes that are written to it.
type start struct{ bytes.Buffer }

func (s *start) Write(p []byte) (int, error) {
	if room := 1000 - s.Len(); room > 0 {
		s.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// next finds the place of the next page in the beginning of a JSON list, whose metadata comes first.
func (s *start) next() string {
	const before = `"continue":"`
	text := s.String()
	i := strings.Index(text, before)
	if i < 0 {
		return ""
	}
	place, _, _ := strings.Cut(text[i+len(before):], `"`)
	return place
}

// events counts the messages of a stream, until it ends: with an error unless ctx ended first.
func (c caller) events(ctx context.Context, w way, q *protocol.ApplicationQuery, each func()) error {
	response, err := c.open(ctx, w, "Watch", "/api/v1/stream/applications", q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if w.contentType != "" {
		err = frames(response.Body, each)
	} else {
		err = lines(response.Body, each)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("a watch by %s has ended: %w", w.name, errors.Join(err, io.ErrUnexpectedEOF))
}

// frames counts gRPC's messages.
func frames(r io.Reader, each func()) error {
	var prefix [5]byte
	for {
		if _, err := io.ReadFull(r, prefix[:]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(prefix[1:]))); err != nil {
			return err
		}
		each()
	}
}

// lines counts server-sent events.
func lines(r io.Reader, each func()) error {
	buffer, begins := make([]byte, 32<<10), true
	for {
		n, err := r.Read(buffer)
		for _, b := range buffer[:n] {
			if begins && b == 'd' { // data:
				each()
			}
			begins = b == '\n'
		}
		if err != nil {
			return err
		}
	}
}
