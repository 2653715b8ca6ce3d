package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// grpcCodec lets grpc-go, which knows nothing of ours, carry our messages.
type grpcCodec struct{ protocol.Proto }

// TestGRPC calls the hub with grpc-go.
func TestGRPC(t *testing.T) {
	h := newHub(t)
	conn, err := grpc.NewClient(strings.TrimPrefix(h.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(grpcCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := context.Background()

	version := &protocol.VersionMessage{}
	if err := conn.Invoke(ctx, string(protocol.Version), &protocol.VersionRequest{}, version); err != nil || version.Version != "v1.2.3" || version.Platform != "" {
		t.Errorf("version: %+v, %v", version, err)
	}
	err = conn.Invoke(ctx, string(protocol.ApplicationList), &protocol.ApplicationQuery{}, &argo.ApplicationList{})
	if status.Code(err) != codes.Unauthenticated || status.Convert(err).Message() != "no session information" {
		t.Errorf("without a session: %v", err)
	}
	err = conn.Invoke(ctx, "/application.ApplicationService/NoSuchCall", &protocol.ApplicationQuery{}, &argo.ApplicationList{})
	if status.Code(err) != codes.Unimplemented || status.Convert(err).Message() != "unknown method NoSuchCall for service application.ApplicationService" {
		t.Errorf("an unknown call: %v", err)
	}

	session := &protocol.SessionResponse{}
	if err := conn.Invoke(ctx, string(protocol.SessionCreate), &protocol.SessionCreateRequest{Username: "developer", Password: "developer"}, session); err != nil {
		t.Fatal(err)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "token", session.Token)
	list := &argo.ApplicationList{}
	if err := conn.Invoke(ctx, string(protocol.ApplicationList), &protocol.ApplicationQuery{}, list); err != nil || len(list.Items) != 2 {
		t.Errorf("list: %d applications, %v", len(list.Items), err)
	}
	err = conn.Invoke(ctx, string(protocol.ApplicationSync), &protocol.ApplicationSyncRequest{Name: "production"}, &argo.Application{})
	if s := status.Convert(err); s.Code() != codes.PermissionDenied ||
		!strings.HasPrefix(s.Message(), "permission denied: applications, sync, shop/production, sub: developer, iat: 20") {
		t.Errorf("sync: %v", err)
	}

	watch, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, string(protocol.ApplicationWatch))
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.SendMsg(&protocol.ApplicationQuery{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	if err := watch.CloseSend(); err != nil {
		t.Fatal(err)
	}
	event := &protocol.ApplicationWatchEvent{}
	if err := watch.RecvMsg(event); err != nil || event.Type != "ADDED" || event.Application.Name != "dev" {
		t.Errorf("watch: %+v, %v", event, err)
	}
}

// TestGRPCWeb speaks as Argo CD's command line does behind a proxy without HTTP/2. It reads errors from the headers alone.
func TestGRPCWeb(t *testing.T) {
	h := newHub(t)
	call := func(token, procedure string, message any) (*http.Response, []byte) {
		encoded, err := protocol.Proto{}.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(encoded)))
		request, err := http.NewRequest(http.MethodPost, h.url+procedure, bytes.NewReader(append(frame, encoded...)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/grpc-web+proto")
		// It says so for the client that it stands before, and can't.
		request.Header.Set("Grpc-Accept-Encoding", "gzip")
		if token != "" {
			request.Header.Set("Token", token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, body
	}
	response, body := call(h.token("developer"), string(protocol.ApplicationGet), &protocol.ApplicationQuery{Name: "dev"})
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 || len(body) < 5 || body[0] != 0 {
		t.Fatalf("got %s, %q", response.Status, body)
	}
	size := binary.BigEndian.Uint32(body[1:5])
	app := &argo.Application{}
	if err := (protocol.Proto{}).Unmarshal(body[5:5+size], app); err != nil || app.Name != "dev" {
		t.Fatalf("got %+v, %v", app, err)
	}
	if trailer := body[5+size:]; trailer[0] != 128 || !strings.Contains(string(trailer), "grpc-status: 0") {
		t.Errorf("got trailer %q", trailer)
	}
	for _, message := range []any{&protocol.ApplicationQuery{Name: "other"}, &protocol.ApplicationQuery{Name: "nothing"}} {
		response, _ = call(h.token("developer"), string(protocol.ApplicationGet), message)
		if response.Header.Get("Grpc-Status") != "7" || response.Header.Get("Grpc-Message") != "permission denied" {
			t.Errorf("got %v", response.Header)
		}
	}
	_, body = call(h.token("operator"), string(protocol.ApplicationPodLogs), &protocol.ApplicationPodLogsQuery{Name: "production", PodName: "none"})
	if len(body) == 0 || body[0] != 128 || !strings.Contains(string(body), "grpc-status: 0") {
		t.Errorf("a stream of nothing ends with %q", body)
	}
	response, _ = call("", string(protocol.ApplicationGet), &protocol.ApplicationQuery{Name: "other"})
	if response.Header.Get("Grpc-Status") != "16" {
		t.Errorf("got %v", response.Header)
	}
}

func TestClientOverEveryProtocol(t *testing.T) {
	h := newHub(t)
	ctx := context.Background()
	for name, web := range map[string]bool{"gRPC": false, "gRPC-web": true} {
		t.Run(name, func(t *testing.T) {
			c := h.as("operator", func(o *hubclient.Options) { o.GRPCWeb = web })
			app, err := hubclient.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "production"})
			if err != nil || app.Spec.Project != "shop" {
				t.Fatalf("got %+v, %v", app, err)
			}
			_, err = hubclient.Call(ctx, c, protocol.ApplicationDelete, &protocol.ApplicationDeleteRequest{Name: "production"})
			wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, delete, shop/production, sub: operator")
			var log strings.Builder
			for entry, err := range hubclient.Stream(ctx, c, protocol.ApplicationPodLogs, &protocol.ApplicationPodLogsQuery{Name: "production", PodName: "web-1"}) {
				if err != nil {
					t.Fatal(err)
				}
				log.WriteString(entry.Content)
			}
			if log.String() != "hello from web-1" {
				t.Errorf("got log %q", log.String())
			}
		})
	}
	// Connect's own protocol, as curl would.
	request, err := http.NewRequest(http.MethodPost, h.url+string(protocol.ProjectGet), strings.NewReader(`{"name":"shop"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+h.token("admin"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	project := &argo.AppProject{}
	if err := json.NewDecoder(response.Body).Decode(project); err != nil || project.Name != "shop" {
		t.Errorf("got %+v, %v", project, err)
	}
}

func TestREST(t *testing.T) {
	h := newHub(t)
	for _, test := range []struct {
		user, verb, path, body string
		status                 int
		want                   string
	}{
		{"", "GET", "/api/version", "", 200, `{"Version":"v1.2.3"}`},
		{"", "GET", "/healthz", "", 200, "ok"},
		{"", "GET", "/api/v1/applications", "", 401, `{"code":16,"error":"no session information","message":"no session information"}`},
		{"developer", "GET", "/api/v1/applications", "", 200, `"name":"dev"`},
		{"developer", "GET", "/api/v1/applications?selector=stage%3Dproduction&foo=x", "", 200, `"name":"production"`},
		{"developer", "GET", "/api/v1/applications?selector=%3D%3D", "", 400, "error parsing the selector"},
		{"developer", "GET", "/api/v1/applications/other", "", 403, `"message":"permission denied"`},
		{"developer", "GET", "/api/v1/applications/nothing?project=shop", "", 404, `applications.argoproj.io \"nothing\" not found`},
		{"developer", "POST", "/api/v1/applications/production/sync", "{}", 403, "permission denied: applications, sync, shop/production"},
		{"operator", "POST", "/api/v1/applications/production/sync", `{"name":"dev","prune":true}`, 200, `"prune":true`},
		{"operator", "POST", "/api/v1/applications/production/sync", `{`, 400, "valid JSON"},
		{"operator", "GET", "/api/v1/clusters/https%3A%2F%2Fprod%3A6443", "", 200, `"name":"prod"`},
		{"operator", "GET", "/api/v1/clusters/prod?id.type=name", "", 200, `"server":"https://prod:6443"`},
		{"operator", "GET", "/api/v1/clusters/nothing?id.type=name", "", 403, "permission denied"},
		{"admin", "GET", "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fdeploy", "", 200, `"repo":"https://git.example/deploy"`},
		{"admin", "GET", "/api/v1/account/can-i/applications/get/shop/dev", "", 200, `{"value":"yes"}`},
		{"stranger", "GET", "/api/v1/account/can-i/applications/get/*", "", 200, `{"value":"no"}`},
		{"admin", "PATCH", "/api/v1/applications/dev", `{"name":"x","patch":"{\"metadata\":{\"labels\":{\"a\":\"b\"}}}","patchType":"merge"}`, 200, `"a":"b"`},
		{"admin", "POST", "/api/v1/applications/production/resource/actions?resourceName=web&namespace=shop-prod&group=argoproj.io&kind=Rollout&version=v1alpha1", `"abort"`, 200, `{}`},
		{"admin", "GET", "/api/v1/nothing", "", 404, ""},
		{"admin", "GET", "/api/v1/applications/production/managed-resources?kind=Secret", "", 200, `++++++++`},
		{"admin", "GET", "/metrics", "", 200, `grpc_server_handled_total{grpc_code="OK",grpc_method="Patch",grpc_service="application.ApplicationService"} 1`},
	} {
		status, answer := h.rest(test.user, test.verb, test.path, test.body)
		if status != test.status || !strings.Contains(answer, test.want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", test.verb, test.path, status, answer, test.status, test.want)
		}
	}
	if app := h.application("dev"); app.Operation != nil {
		t.Error("a body named another application than the path, and won")
	}
}

func TestRESTWantsJSON(t *testing.T) {
	h := newHub(t)
	response, err := http.Post(h.url+"/api/v1/session", "text/plain", strings.NewReader(`{"username":"admin","password":"admin"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("got %s", response.Status)
	}
}

func TestLargeRequestsAreRefused(t *testing.T) {
	h := newHub(t, func(o *Options) { o.MaxRequestBytes, o.MaxAnonymousBytes = 4096, 1024 })
	large := strings.Repeat("x", 5000)
	status, answer := h.rest("", "POST", "/api/v1/session", `{"username":"`+large+`"}`)
	if status != http.StatusTooManyRequests || !strings.Contains(answer, "larger than 1024 bytes") {
		t.Errorf("got %d %s", status, answer)
	}
	_, err := hubclient.Call(context.Background(), h.as("admin"), protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{Name: "dev", Patch: large})
	wantCode(t, err, connect.CodeResourceExhausted, "")
}

func TestCookies(t *testing.T) {
	h := newHub(t)
	response, err := http.Post(h.url+"/api/v1/session", "application/json", strings.NewReader(`{"username":"admin","password":"admin"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookies := response.Cookies()
	if len(cookies) != 1 || cookies[0].Name != "argocd.token" || !cookies[0].HttpOnly {
		t.Fatalf("got %v", cookies)
	}
	whole := cookies[0].Value
	for name, header := range map[string]string{
		"one cookie": "argocd.token=" + whole,
		"in parts":   "argocd.token=2:" + whole[:20] + "; argocd.token-1=" + whole[20:],
	} {
		request, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/session/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", header)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), `"username":"admin"`) {
			t.Errorf("%s: got %s, %v", name, body, err)
		}
	}
}

func TestServerSentEvents(t *testing.T) {
	h := newHub(t)
	request, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/stream/applications?name=dev", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Cookie", "argocd.token="+h.token("developer"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("got %s", got)
	}
	lines := bufio.NewReader(response.Body)
	next := func() string {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(line) != "" {
				return line
			}
		}
	}
	if first := next(); !strings.HasPrefix(first, `data: {"result":{"type":"ADDED","application":{`) {
		t.Errorf("got %s", first)
	}
	app := h.application("dev")
	app.Labels = map[string]string{"changed": "yes"}
	h.update(app)
	if second := next(); !strings.Contains(second, `"type":"MODIFIED"`) || !strings.Contains(second, `"changed":"yes"`) {
		t.Errorf("got %s", second)
	}
}

// TestStreamsEndWithTheServer: the hub's cleanup waits for Serve, which waits for its streams.
func TestStreamsEndWithTheServer(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	t.Run("hub", func(t *testing.T) {
		h := newHub(t)
		developer, first := h.as("developer"), make(chan struct{})
		go func() {
			var last error
			for _, err := range hubclient.Stream(ctx, developer, protocol.ApplicationWatch, &protocol.ApplicationQuery{Name: "dev"}) {
				if last = err; err == nil {
					close(first)
				}
			}
			ended <- last
		}()
		<-first
	})
	if err := <-ended; err != nil {
		t.Errorf("the stream ended with %v", err)
	}
}
