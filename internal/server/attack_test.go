package server

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/protocol"
)

// attackSecrets are what attacks carry, and no log or answer may show.
var attackSecrets = []string{"s3cret-of-the-attack", "czNjcmV0LW9mLXRoZS1hdHRhY2s", "secret-password", "secret-token", "$2a$"}

// discreet looks for secrets, and for calls that panicked, in all that the hub has logged.
func (h *hub) discreet(tokens ...string) {
	h.t.Helper()
	for _, secret := range append(attackSecrets, tokens...) {
		if secret != "" && strings.Contains(h.log.String(), secret) {
			h.t.Errorf("the log tells %q:\n%s", secret, h.log)
		}
	}
	if strings.Contains(h.log.String(), "panicked") {
		h.t.Errorf("a call panicked:\n%s", h.log)
	}
}

// wire is a way to speak to the hub.
type wire struct {
	name, contentType string
	http2             bool
	// frame wraps an encoded message; nil leaves it as it is.
	frame func(flags byte, message []byte) []byte
}

func grpcFrame(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

var wires = []wire{
	{"gRPC", "application/grpc+proto", true, grpcFrame}, {"gRPC-web", "application/grpc-web+proto", false, grpcFrame},
	{"Connect", "application/proto", false, func(_ byte, message []byte) []byte { return message }},
}

// post sends a body to a procedure, and gives the status (of gRPC as its number, else of HTTP) with all that was answered.
func (h *hub) post(w wire, procedure, token string, body []byte, change ...func(http.Header)) (status, answer string) {
	h.t.Helper()
	transport := &http.Transport{Protocols: &http.Protocols{}, DisableCompression: true}
	transport.Protocols.SetUnencryptedHTTP2(w.http2)
	transport.Protocols.SetHTTP1(!w.http2)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodPost, h.url+procedure, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", w.contentType)
	if w.http2 {
		request.Header.Set("Te", "trailers")
	}
	if token != "" {
		request.Header.Set("Token", token)
	}
	for _, change := range change {
		change(request.Header)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		h.t.Fatalf("%s %s: %v", w.name, procedure, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", w.name, procedure, err)
	}
	status = fmt.Sprint("HTTP ", response.StatusCode)
	text := string(content) + response.Header.Get("Grpc-Message") + response.Trailer.Get("Grpc-Message")
	if response.StatusCode == http.StatusOK && w.contentType != "application/proto" {
		code := response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status")
		if _, after, ok := strings.Cut(string(content), "grpc-status: "); code == "" && ok {
			code, _, _ = strings.Cut(after, "\r\n")
		}
		status = "gRPC " + code
	}
	return status, text
}

func gzipped(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TestAttackBrokenMessages sends what is no message, in every protocol, as somebody who may do everything.
func TestAttackBrokenMessages(t *testing.T) {
	h := newHub(t)
	token, before := h.token("admin"), h.state()
	good, err := protocol.Proto{}.Marshal(&protocol.ApplicationDeleteRequest{Name: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range map[string][]byte{
		"cut off":           good[:len(good)-1],
		"a length too long": {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"another wire type": {0x08, 0x01},
		"a group":           {0x0b, 0x0b, 0x0b},
		"no UTF-8":          {0x0a, 0x02, 0xff, 0xfe},
		"field number 0":    {0x02, 0x00},
		"noise":             []byte("\x00\x01\x02GET / HTTP/1.1\r\n\r\n"),
		"an endless varint": bytes.Repeat([]byte{0xff}, 100),
	} {
		for _, w := range wires {
			if status, answer := h.post(w, string(protocol.ApplicationDelete), token, w.frame(0, message)); status != "gRPC 3" && status != "HTTP 400" {
				t.Errorf("%s over %s: %s %q", name, w.name, status, answer)
			}
		}
	}
	for name, body := range map[string][]byte{
		"half a header": {0, 0, 0}, "a frame cut off": grpcFrame(0, good)[:7], "a length beyond": append([]byte{0, 0xff, 0xff, 0xff, 0xff}, good...),
		"unknown flags": grpcFrame(0x7e, good), "compressed by nothing": grpcFrame(1, good), "two messages": append(grpcFrame(0, good), grpcFrame(0, good)...),
		"nothing": {},
	} {
		for _, w := range wires[:2] {
			status, answer := h.post(w, string(protocol.ApplicationDelete), token, body)
			if status == "gRPC 0" || !strings.HasPrefix(status, "gRPC ") {
				t.Errorf("%s over %s: %s %q", name, w.name, status, answer)
			}
		}
	}
	for name, body := range map[string]string{
		"cut off": `{"name":"de`, "another type": `{"name":5}`, "deep": strings.Repeat(`{"name":`, 100_000), "brackets": strings.Repeat("[", 1_000_000),
		"two values": `{"name":"dev"}{"name":"other"}`, "noise": "\x00\xff",
	} {
		for _, path := range []string{"/api/v1/applications/dev/rollback", string(protocol.ApplicationRollback)} {
			status, answer := h.rest("admin", http.MethodPost, path, body)
			if status != http.StatusBadRequest || len(answer) > 1000 {
				t.Errorf("%s at %s: %d %.200s", name, path, status, answer)
			}
		}
	}
	if after := h.state(); after != before {
		t.Error("something was done")
	}
	for _, said := range []string{`msg="a request was refused unread" procedure=/application.ApplicationService/Delete code=InvalidArgument`, "code=InvalidArgument"} {
		if !strings.Contains(h.log.String(), said) {
			t.Errorf("the log doesn't say %s:\n%.2000s", said, h.log)
		}
	}
	h.discreet(token)
}

// TestAttackOversized sends more than the hub takes, as it is and packed small, to calls with and without a login.
func TestAttackOversized(t *testing.T) {
	h := newHub(t, func(o *Options) { o.MaxRequestBytes, o.MaxAnonymousBytes = 64<<10, 4<<10 })
	token := h.token("admin")
	for name, test := range map[string]struct {
		procedure, token string
		message          any
	}{
		"somebody": {string(protocol.ApplicationPatch), token, &protocol.ApplicationPatchRequest{Name: "dev", Patch: strings.Repeat("x", 1<<17)}},
		"nobody":   {string(protocol.SessionCreate), "", &protocol.SessionCreateRequest{Username: "admin", Password: strings.Repeat("x", 8<<10)}},
		"stranger": {string(protocol.ApplicationPatch), "", &protocol.ApplicationPatchRequest{Name: "dev", Patch: strings.Repeat("x", 1<<17)}},
	} {
		encoded, err := protocol.Proto{}.Marshal(test.message)
		if err != nil {
			t.Fatal(err)
		}
		packed := gzipped(encoded)
		for _, w := range wires {
			for _, compressed := range []bool{false, true} {
				body, flags, encoding := encoded, byte(0), ""
				if compressed {
					body, flags, encoding = packed, 1, map[string]string{"Connect": "Content-Encoding"}[w.name]
					if encoding == "" {
						encoding = "Grpc-Encoding"
					}
				}
				status, answer := h.post(w, test.procedure, test.token, w.frame(flags, body), func(header http.Header) {
					if encoding != "" {
						header.Set(encoding, "gzip")
					}
				})
				wanted := []string{"gRPC 8", "HTTP 429"}
				if name == "stranger" { // refused before it is read
					wanted = []string{"gRPC 16", "HTTP 401"}
				}
				if status != wanted[0] && status != wanted[1] {
					t.Errorf("%s over %s, compressed %v: %s %q", name, w.name, compressed, status, answer)
				}
			}
		}
	}
	for path, user := range map[string]string{"/api/v1/session": "", "/api/v1/applications/dev/sync": "admin"} {
		if status, answer := h.rest(user, http.MethodPost, path, `{"name":"`+strings.Repeat("x", 1<<17)+`"}`); status != http.StatusTooManyRequests {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if !strings.Contains(h.log.String(), "code=ResourceExhausted") {
		t.Errorf("the log doesn't tell:\n%s", h.log)
	}
	h.discreet(token)
}

// TestAttackContentTypes sends requests as what they aren't. Types that browsers send for any page are none of an API.
func TestAttackContentTypes(t *testing.T) {
	h := newHub(t)
	before := h.state()
	for _, contentType := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/json-seq",
		"application/grpc+thrift", "text/plain; application/json", "application/grpc-web-text",
	} {
		for _, path := range []string{"/api/v1/applications/dev/sync", string(protocol.ApplicationSync)} {
			request, err := http.NewRequest(http.MethodPost, h.url+path, strings.NewReader(`{"name":"dev"}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header["Content-Type"] = []string{contentType}
			request.Header.Set("Cookie", "argocd.token="+h.token("admin"))
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%q at %s: %s", contentType, path, response.Status)
			}
		}
	}
	if after := h.state(); after != before {
		t.Error("something was done")
	}
	h.discreet()
}
