package serve

import (
	"context"
	"io"
	"net/http"
	"testing"
)

func TestRequestsFinishWhenTheServerEnds(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	listener, err := Listen(ctx, nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- HTTP(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			end() // the server is told to end while this request is under way
			if r.Context().Err() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
			_, _ = io.WriteString(w, "done")
		}))
	}()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || string(text) != "done" || response.StatusCode != http.StatusOK {
		t.Errorf("got %s %q, %v", response.Status, text, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
