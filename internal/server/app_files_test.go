package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// send makes the call as Argo CD's command line does: the query, the archive in pieces, and then it waits for the answer.
func (h *hub) send(user string, parts ...*protocol.ApplicationManifestQueryWithFilesWrapper) (*protocol.ManifestResponse, error) {
	h.t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(h.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(grpcCodec{})))
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(context.Background(), "token", h.token(user))
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, string(protocol.ApplicationManifestsWithFiles))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, part := range parts {
		if stream.SendMsg(part) != nil {
			break // the server has answered already
		}
	}
	if err := stream.CloseSend(); err != nil {
		h.t.Fatal(err)
	}
	answer := &protocol.ManifestResponse{}
	return answer, stream.RecvMsg(answer)
}

func filesQuery(name, content string) *protocol.ApplicationManifestQueryWithFilesWrapper {
	sum := sha256.Sum256([]byte(content))
	return &protocol.ApplicationManifestQueryWithFilesWrapper{Query: &protocol.ApplicationManifestQueryWithFiles{Name: name, Checksum: hex.EncodeToString(sum[:])}}
}

func piece(content string) *protocol.ApplicationManifestQueryWithFilesWrapper {
	return &protocol.ApplicationManifestQueryWithFilesWrapper{Chunk: &protocol.FileChunk{Chunk: []byte(content)}}
}

func TestManifestsWithFiles(t *testing.T) {
	h := newHub(t)
	answer, err := h.send("developer", filesQuery("dev", "the files"), piece("the "), piece("files"))
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(answer.Manifests, "\n"); !strings.Contains(text, `{"files":"the files"}`) || strings.Contains(text, "hunter2") || !strings.Contains(text, mask) {
		t.Errorf("got %s", text)
	}
	for name, test := range map[string]struct {
		user  string
		parts []*protocol.ApplicationManifestQueryWithFilesWrapper
		code  codes.Code
		text  string
	}{
		"nothing":       {"developer", nil, codes.InvalidArgument, "query is nil"},
		"no query":      {"developer", parts(piece("x")), codes.InvalidArgument, "query is nil"},
		"two queries":   {"developer", parts(filesQuery("dev", "x"), filesQuery("dev", "x")), codes.InvalidArgument, "chunk is nil"},
		"other files":   {"developer", parts(filesQuery("dev", "x"), piece("y")), codes.InvalidArgument, "file checksum validation error"},
		"not theirs":    {"stranger", parts(filesQuery("dev", "x"), piece("x")), codes.PermissionDenied, "permission denied"},
		"doesn't exist": {"developer", parts(filesQuery("none", "x"), piece("x")), codes.PermissionDenied, "permission denied"},
	} {
		_, err := h.send(test.user, test.parts...)
		if s := status.Convert(err); s.Code() != test.code || !strings.Contains(s.Message(), test.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func parts(all ...*protocol.ApplicationManifestQueryWithFilesWrapper) []*protocol.ApplicationManifestQueryWithFilesWrapper {
	return all
}

func TestUploadsAreBounded(t *testing.T) {
	sent := 0
	chunk := &protocol.ApplicationManifestQueryWithFilesWrapper{Chunk: &protocol.FileChunk{Chunk: make([]byte, 16<<20)}}
	_, err := receiveFiles(func() (*protocol.ApplicationManifestQueryWithFilesWrapper, error) { sent++; return chunk, nil }, "")
	wantCode(t, err, connect.CodeResourceExhausted, "exceeded max size")
	if sent > 7 {
		t.Errorf("took %d pieces of 16 MB", sent)
	}
}

func TestServerSideDiff(t *testing.T) {
	h := newHub(t)
	ctx := context.Background()
	const secret = `{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"shop-prod","name":"credentials"},"data":{"password":"bmV3"}}`
	live := &protocol.ResourceDiff{Kind: "Secret", Namespace: "shop-prod", Name: "credentials", LiveState: strings.Replace(secret, "bmV3", mask, 1)}
	ask := func(user string, q *protocol.ApplicationServerSideDiffQuery) (*protocol.ApplicationServerSideDiffResponse, error) {
		q.AppName = "production"
		return hubclient.Call(ctx, h.as(user), protocol.ApplicationServerSideDiff, q)
	}
	answer, err := ask("operator", &protocol.ApplicationServerSideDiffQuery{
		LiveResources: []*protocol.ResourceDiff{live, live}, TargetManifests: []string{secret, "null", strings.ReplaceAll(secret, "credentials", "another")},
	})
	if err != nil || len(answer.Items) != 3 || !answer.Modified {
		t.Fatalf("got %+v, %v", answer, err)
	}
	for i, name := range []string{"credentials", "credentials", "another"} {
		if item := answer.Items[i]; item.Name != name || !item.Modified {
			t.Errorf("got %+v", item)
		}
	}
	if gone := answer.Items[1]; gone.TargetState != "null" || gone.LiveState == "null" {
		t.Errorf("without a manifest: %+v", gone)
	}
	encoded, err := json.Marshal(answer)
	if err != nil || strings.Contains(string(encoded), "bmV3") || strings.Contains(string(encoded), "b2xk") {
		t.Errorf("a Secret shows: %s, %v", encoded, err)
	}
	disguised := *live
	disguised.Kind = "ConfigMap"
	foreign := *live
	foreign.Name, foreign.LiveState = "not-ours", strings.ReplaceAll(live.LiveState, "credentials", "not-ours")
	for name, test := range map[string]struct {
		user string
		q    protocol.ApplicationServerSideDiffQuery
		code connect.Code
		text string
	}{
		"disguised":   {"operator", protocol.ApplicationServerSideDiffQuery{LiveResources: []*protocol.ResourceDiff{&disguised}}, connect.CodeInvalidArgument, "kind mismatch: expected ConfigMap, got Secret"},
		"foreign":     {"operator", protocol.ApplicationServerSideDiffQuery{LiveResources: []*protocol.ResourceDiff{&foreign}}, connect.CodePermissionDenied, "not-ours not found as part of application production"},
		"not allowed": {"operator", protocol.ApplicationServerSideDiffQuery{TargetManifests: []string{strings.Replace(secret, "shop-prod", "kube-system", 1)}}, connect.CodeFailedPrecondition, "not permitted to manage"},
		"no JSON":     {"operator", protocol.ApplicationServerSideDiffQuery{TargetManifests: []string{"{"}}, connect.CodeInvalidArgument, "error unmarshaling target manifest 0"},
		"stranger":    {"stranger", protocol.ApplicationServerSideDiffQuery{}, connect.CodePermissionDenied, "permission denied"},
	} {
		_, err := ask(test.user, &test.q)
		if err == nil || connect.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	status, body := h.rest("operator", http.MethodGet, "/api/v1/applications/production/server-side-diff?targetManifests="+url.QueryEscape(secret), "")
	if status != 200 || !strings.Contains(body, `"modified":true`) || strings.Contains(body, "bmV3") {
		t.Errorf("got %d %s", status, body)
	}
}
