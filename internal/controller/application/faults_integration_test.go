//go:build integration

package application

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The ways in which the wire to the API server fails.

// when limits a fault to some requests.
func when(concerns func(*http.Request) bool, then fault) fault {
	return func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if concerns(request) {
			return then(request, send)
		}
		return send()
	}
}

// list are requests for all there is of a kind, as a list or as the beginning of a watch.
func list(request *http.Request) bool {
	if request.Method != http.MethodGet {
		return false
	}
	return watch(request) == (request.URL.Query().Get("sendInitialEvents") != "") && strings.HasSuffix(request.URL.Path, "s")
}

func watch(request *http.Request) bool { return request.URL.Query().Get("watch") != "" }

func write(request *http.Request) bool {
	return request.Method != http.MethodGet && request.URL.Query().Get("dryRun") == "" && !strings.Contains(request.URL.Path, "/events")
}

func both(a, b func(*http.Request) bool) func(*http.Request) bool {
	return func(request *http.Request) bool { return a(request) && b(request) }
}

// answer is an answer of somebody's that isn't the API server's.
func answer(code int, reason string) fault {
	return func(request *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":%q,"message":"the wire says %s"}`, code, reason, reason)
		header := http.Header{"Content-Type": {"application/json"}}
		if code == http.StatusTooManyRequests {
			header.Set("Retry-After", "1")
		}
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: request}, nil
	}
}

// torn breaks each answer off after some bytes.
func torn(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	return cut(send, broken{})
}

// halved ends each answer after some bytes, as if this were all.
func halved(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	return cut(send, strings.NewReader(""))
}

func cut(send func() (*http.Response, error), then io.Reader) (*http.Response, error) {
	response, err := send()
	if err != nil {
		return nil, err
	}
	body := response.Body
	response.ContentLength = -1
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, 700), then), body}
	return response, nil
}

var errReset = errors.New("connection reset by the wire")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }

// lost has the request arrive, but not its answer.
func lost(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if response, err := send(); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	return nil, errReset
}

// reset has the request not arrive.
func reset(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errReset
}

// brief ends a watch after a moment, in the middle of whatever it says.
func brief(life time.Duration) fault {
	return func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		response, err := send()
		if err == nil {
			body := response.Body
			time.AfterFunc(life, func() { _ = body.Close() })
		}
		return response, err
	}
}

// expired says to each watch that it is too late.
func expired(request *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	response, err := answer(http.StatusGone, "Expired")(request, nil)
	if err != nil {
		return nil, err
	}
	status, _ := io.ReadAll(response.Body)
	event := fmt.Sprintf(`{"type":"ERROR","object":%s}`+"\n", status)
	response.StatusCode, response.Status = http.StatusOK, "200 OK"
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(event)), -1
	return response, nil
}

// some has a fault in every nth request that it is about.
func some(n int, then fault) fault {
	count := make(chan int, 1)
	count <- 0
	return func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		i := <-count
		count <- i + 1
		if i%n == n-1 {
			return then(request, send)
		}
		return send()
	}
}
