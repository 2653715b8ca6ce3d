package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/protocol"
)

// dial is a connection to the hub on which anything can be sent.
func (h *hub) dial() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	return conn
}

// raw sends bytes and gives all that is answered until the hub closes the connection.
func (h *hub) raw(text string) string {
	h.t.Helper()
	conn := h.dial()
	_, _ = io.WriteString(conn, text) // the hub may close before it has all
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 {
		h.t.Fatalf("%.100q: %v", text, err)
	}
	return string(answer)
}

// TestAttackHeaders smuggles requests and identities in headers that proxies and servers read differently.
func TestAttackHeaders(t *testing.T) {
	h := newHub(t)
	admin, stranger := h.token("admin"), h.token("stranger")
	const who, end = "GET /api/v1/session/userinfo HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n", "\r\n"
	const smuggled = "GET /api/v1/session/userinfo?smuggled HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
	login := "POST /api/v1/session HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
	for name, test := range map[string]struct{ request, want, never string }{
		"a user of a proxy":                   {who + "X-Forwarded-User: admin\r\nX-Remote-User: admin\r\nX-Forwarded-Email: admin\r\nX-Forwarded-Groups: role:admin\r\n" + end, "200 OK", `"username":"admin"`},
		"gateway's metadata":                  {who + "Grpc-Metadata-Token: " + admin + "\r\nGrpcgateway-Authorization: Bearer " + admin + "\r\n" + end, "200 OK", `"username":"admin"`},
		"the token in the URL":                {strings.Replace(who, "userinfo", "userinfo?token="+admin+"&access_token="+admin, 1) + end, "200 OK", `"username":"admin"`},
		"basic authentication":                {who + "Authorization: Basic YWRtaW46YWRtaW4=\r\n" + end, "200 OK", `"loggedIn":true`},
		"metadata before the cookie":          {who + "Token: " + stranger + "\r\nCookie: argocd.token=" + admin + "\r\n" + end, `"username":"stranger"`, "admin"},
		"metadata before the header":          {who + "Token: " + stranger + "\r\nAuthorization: Bearer " + admin + "\r\n" + end, `"username":"stranger"`, "admin"},
		"two headers of authorization":        {strings.Replace(who, "session/userinfo", "applications", 1) + "Authorization: Bearer " + stranger + "\r\nAuthorization: Bearer " + admin + "\r\n" + end, "several different headers Authorization", "dev"},
		"two tokens":                          {strings.Replace(who, "session/userinfo", "applications", 1) + "Token: " + stranger + "\r\nToken: " + admin + "\r\n" + end, "several different headers Token", "dev"},
		"another method than said":            {strings.Replace(strings.Replace(who, "session/userinfo", "applications/dev", 1), "GET", "POST", 1) + "X-HTTP-Method-Override: DELETE\r\nAuthorization: Bearer " + admin + "\r\nContent-Length: 0\r\n" + end, "404 Not Found", "200 OK"},
		"a folded header":                     {who + "X-A: b\r\n Token: " + admin + "\r\n" + end, "HTTP/1.1", `"username":"admin"`},
		"a space before the colon":            {who + "Token : " + admin + "\r\n" + end, "400 Bad Request", "username"},
		"a carriage return alone":             {who + "X-A: b\rToken: " + admin + "\r\n" + end, "400 Bad Request", "username"},
		"NUL":                                 {who + "X-A: b\x00c\r\n" + end, "400 Bad Request", "username"},
		"two lengths":                         {login + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + smuggled, "400 Bad Request", "smuggled"},
		"a length that is none":               {login + "Content-Length: +2\r\n\r\n{}" + smuggled, "400 Bad Request", "loggedIn"},
		"two codings":                         {login + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled, "501 Not Implemented", "loggedIn"},
		"a hidden coding":                     {login + "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}" + smuggled, "501 Not Implemented", "loggedIn"},
		"a chunk's size that is none":         {login + "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n" + smuggled, "HTTP/1.1 4", "loggedIn"},
		"no host":                             {"GET /api/v1/session/userinfo HTTP/1.1\r\nConnection: close\r\n\r\n", "400 Bad Request", "loggedIn"},
		"two hosts":                           {who + "Host: other\r\n" + end, "400 Bad Request", "loggedIn"},
		"a request of another protocol":       {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "", "loggedIn"},
		"headers without end":                 {who + "X-A: " + strings.Repeat("x", 2*maxHeaderBytes), "431 Request Header Fields Too Large", "loggedIn"},
		"a token that is longer than any":     {strings.Replace(who, "session/userinfo", "applications", 1) + "Token: " + strings.Repeat("x", maxToken+1) + "\r\n" + end, "401 Unauthorized", "dev"},
		"parts of cookies without their head": {strings.Replace(who, "session/userinfo", "applications", 1) + "Cookie: argocd.token=99999999:x; argocd.token-1=" + admin + "\r\n" + end, "401 Unauthorized", "dev"},
	} {
		answer := h.raw(test.request)
		if !strings.Contains(answer, test.want) || strings.Contains(answer, test.never) {
			t.Errorf("%s: got %.400s", name, answer)
		}
	}
	h.discreet(admin, stranger)
}

// TestAttackSlowClients holds connections with requests that never end, and with answers that nobody takes.
func TestAttackSlowClients(t *testing.T) {
	h := newHub(t, func(o *Options) { o.Patience = 250 * time.Millisecond })
	for name, begin := range map[string]string{
		"headers without end":       "GET /api/version HTTP/1.1\r\nHost: hub\r\nX-A: b",
		"a body that doesn't come":  "POST /api/v1/session HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"a chunk that doesn't come": "POST " + string(protocol.SessionCreate) + " HTTP/1.1\r\nHost: hub\r\nContent-Type: application/grpc-web+proto\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\x00",
		"half a frame of gRPC-web":  "POST " + string(protocol.SessionCreate) + " HTTP/1.1\r\nHost: hub\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 1000\r\n\r\n\x00\x00",
	} {
		if answer := h.raw(begin); strings.Contains(answer, "200 OK") && !strings.Contains(answer, "Grpc-Status") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	// A byte now and then doesn't help.
	conn := h.dial()
	if _, err := io.WriteString(conn, "POST /api/v1/session HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.ReadAll(conn)
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for going := true; going; {
		select {
		case <-tick.C:
			_, _ = conn.Write([]byte(" "))
		case <-ended:
			going = false
		}
	}
	// Who sends in time isn't ended, and neither is a stream after its request.
	if status, answer := h.rest("", http.MethodPost, "/api/v1/session", `{"username":"admin","password":"admin"}`); status != 200 {
		t.Errorf("got %d %s", status, answer)
	}
	h.outlivesPatience()
	h.discreet()
}

// outlivesPatience watches an application over HTTP/1.1 for several times as long as the hub waits for a body.
func (h *hub) outlivesPatience() {
	h.t.Helper()
	body := "name=dev"
	request, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/stream/applications?name=dev", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Token", h.token("admin"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	lines := make(chan string)
	go func() {
		defer close(lines)
		buffer := make([]byte, 64<<10)
		for {
			n, err := response.Body.Read(buffer)
			if err != nil {
				return
			}
			lines <- string(buffer[:n])
		}
	}()
	<-lines
	over := time.After(4 * h.server.options.Patience)
	select {
	case line, going := <-lines:
		h.t.Errorf("the stream said %q, going on %v", line, going)
	case <-over:
	}
	app := h.application("dev")
	app.Labels = map[string]string{"changed": "late"}
	h.update(app)
	if line := <-lines; !strings.Contains(line, "late") {
		h.t.Errorf("the stream said %q", line)
	}
}

// TestAttackAnswersNobodyTakes: a client that stops reading loses its connection, and with it what the hub keeps for it.
func TestAttackAnswersNobodyTakes(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	conn := patientConn{server, 20 * time.Millisecond}
	if n, err := conn.Write(make([]byte, 1<<20)); err == nil || n != 0 {
		t.Errorf("%d bytes went to nobody, %v", n, err)
	}
	client, server = net.Pipe()
	defer client.Close()
	go func() { _, _ = io.Copy(io.Discard, client) }()
	conn = patientConn{server, 10 * time.Second}
	if n, err := conn.Write(make([]byte, 1<<20)); err != nil || n != 1<<20 {
		t.Errorf("%d bytes went, %v", n, err)
	}
}

// TestAttackForeignPages: the page of another site has a browser's cookie, and nothing else of its user.
func TestAttackForeignPages(t *testing.T) {
	h := newHub(t)
	h.configure("argocd-cm", map[string]string{"url": "https://cd.example"})
	cookie := "argocd.token=" + h.token("admin")
	message, err := protocol.Proto{}.Marshal(&protocol.ApplicationSyncRequest{Name: "production"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		header  map[string]string
		refused bool
	}{
		"another site":                 {map[string]string{"Cookie": cookie, "Origin": "https://evil.example"}, true},
		"another site, says a browser": {map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}, true},
		"a neighbour":                  {map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "same-site", "Origin": "https://evil.cd.example"}, true},
		"a page of nowhere":            {map[string]string{"Cookie": cookie, "Origin": "null"}, true},
		"in parts":                     {map[string]string{"Cookie": strings.Replace(cookie, "=", "=1:", 1), "Origin": "https://evil.example"}, true},
		"its own page":                 {map[string]string{"Cookie": cookie, "Origin": h.url}, false},
		"its own page behind a proxy":  {map[string]string{"Cookie": cookie, "Origin": "https://cd.example"}, false},
		"says the browser":             {map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}, false},
		"no browser":                   {map[string]string{"Cookie": cookie}, false},
		"somebody with a token":        {map[string]string{"Token": strings.TrimPrefix(cookie, "argocd.token="), "Origin": "https://tool.example"}, false},
	} {
		change := func(header http.Header) {
			for key, value := range test.header {
				header.Set(key, value)
			}
		}
		for _, w := range wires[1:] {
			status, answer := h.post(w, string(protocol.ApplicationSync), "", w.frame(0, message), change)
			if refused := status == "HTTP 403"; refused != test.refused || !refused && status != "gRPC 0" && status != "HTTP 200" {
				t.Errorf("%s over %s: %s %q", name, w.name, status, answer)
			}
			h.settle()
		}
		request, err := http.NewRequest(http.MethodPost, h.url+"/api/v1/applications/production/sync", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		change(request.Header)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if refused := response.StatusCode == http.StatusForbidden; refused != test.refused {
			t.Errorf("%s over REST: %s", name, response.Status)
		}
		h.settle()
	}
	if !strings.Contains(h.log.String(), "refusing a request of another site's page") {
		t.Error("the log doesn't tell")
	}
	h.discreet(cookie)
}

// settle takes back a sync that was asked for.
func (h *hub) settle() {
	app := h.application("production")
	app.Operation = nil
	h.update(app)
}

// TestAttackPaths writes names and queries that mean something else to a server, a policy or an API server.
func TestAttackPaths(t *testing.T) {
	h := newHub(t)
	token, before := h.token("developer"), h.state()
	for _, path := range []string{
		"/api/v1/applications/..%2f..%2fclusters", "/api/v1/applications/%2e%2e/clusters", "/api/v1/applications/../clusters/", "/api/v1//applications/other",
		"/api/v1/applications/%252e%252e%252fother", "/api/v1/applications/other%00dev", "/api/v1/applications/dev%00", "/api/v1/applications/*",
		"/api/v1/applications/o*r?project=*", "/api/v1/applications/other?project=shop", "/api/v1/applications/other?project=shop&project=default",
		"/api/v1/applications/other?name=dev", "/api/v1/applications/default%2Fother", "/api/v1/applications/dev?appNamespace=kube-system",
		"/api/v1/applications/dev?appNamespace=..%2fargocd", "/api/v1/applications/%c0%ae%c0%ae", "/api/v1/applications/other?appNamespace=argocd%2Fshop",
		"/api/v1/applications/dev/../other", "/api/v1/applications/dev%2F..%2Fother", "/api/v1/applications/{name}", "/api/v1/applications/dev;a=b/../../clusters",
		"/api/v1/applications?selector=stage%20in%20(production),!x&projects=default", "/api/v1/applications?selector=a%3Db%00", "/api/v1/applications?selector=" + strings.Repeat("a%2C", 20_000),
		"/api/v1/applications?name=other", "/api/v1/applications?appNamespace=*&projects=default", "/api/v1/applications?continue=other%2Fargocd&limit=1",
		"/api/v1/stream/applications?name=other&resourceVersion=0", "/api/v1/applications/production/resource?name=other&resourceName=x",
		"/api/v1/applications/production/resource?resourceName=not-ours&namespace=kube-system&kind=Secret&version=v1",
		"/api/v1/applications/production/resource?resourceName=..%2Fnot-ours&namespace=shop-prod&kind=Secret&version=v1%2F..%2Fv1",
		"/api/v1/projects/default", "/api/v1/projects/sh*", "/api/v1/projects/shop%2F..%2Fdefault", "/api/v1/clusters/https%3A%2F%2Fprod%3A6443", "/api/v1/clusters/prod?id.type=name",
		"/api/v1/clusters/x?id.type=name_escaped&id.value=prod", "/api/v1/clusters/%25zz?id.type=name_escaped", "/api/v1/account/admin", "/api/v1/account/..%2Fadmin",
		"/api/v1/repositories/https%3A%2F%2Fgit.example%2Fdeploy", "/api/v1/repositories/https%3A%2F%2Fx@git.example%2Fdeploy?appProject=default", "/api/v1/applicationsets/production",
	} {
		answer := h.answerTo(path, token)
		for _, secret := range []string{`"name":"other"`, "not-ours", "prod:6443", "bearerToken", "role:admin", "secret"} {
			if strings.Contains(answer, secret) && strings.Contains(answer, "200 OK") {
				t.Errorf("%s shows %s: %.300s", path, secret, answer)
			}
		}
		if strings.Contains(answer, " 500 ") || !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("%s: %.300s", path, answer)
		}
	}
	if h.state() != before {
		t.Error("something was done")
	}
	h.discreet(token)
}

// answerTo is the beginning of the answer to GET of a path, as it is written.
func (h *hub) answerTo(path, token string) string {
	h.t.Helper()
	conn := h.dial()
	if strings.Contains(path, "/stream/") { // they have no end
		if err := conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			h.t.Fatal(err)
		}
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nToken: %s\r\n\r\n", path, token)
	answer, _ := io.ReadAll(conn)
	if len(answer) == 0 && strings.Contains(path, "/stream/") {
		return "HTTP/1.1 200 and nothing"
	}
	return string(answer)
}

// TestAttackBadges asks for badges as nobody: they are for everybody where the operator says so, and elsewhere tell nothing.
func TestAttackBadges(t *testing.T) {
	h := newHub(t)
	badge := func(query string) (int, string) {
		t.Helper()
		return h.rest("", http.MethodGet, "/api/badge?"+query, "")
	}
	_, nothing := badge("name=nosuch")
	for _, query := range []string{"name=production", "name=production&revision=true&showAppName=true", "project=shop", "name=production&namespace=kube-system"} {
		if status, answer := badge(query); status != http.StatusOK || answer != nothing {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
	h.setConfig("argocd-cm", "statusbadge.enabled", "true")
	_, nothing = badge("name=nosuch")
	if status, answer := badge("name=production&namespace=kube-system"); status != http.StatusOK || answer != nothing {
		t.Errorf("a namespace that isn't served: %d %s", status, answer)
	}
	for _, query := range []string{"name=..%2Fx", "name=%3Cscript%3E", "name=a%00b", "namespace=*", "project=a%22b", "project=shop&project=%3Csvg"} {
		if status, answer := badge(query); status != http.StatusBadRequest || answer != "" {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
	app := h.application("production")
	app.Status.Sync.Revision = `"><script>alert(1)</script>`
	h.update(app)
	if _, answer := badge("name=production&revision=true&keepFullRevision=true"); strings.Contains(answer, "<script") {
		t.Errorf("a script in a revision: %s", answer)
	}
	h.discreet()
}
