package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

// maxUpload bounds an archive that somebody sends; upstream's is 100 MB.
const maxUpload = 100 << 20

// errNoQuery has upstream's words.
var errNoQuery = invalid("error getting query: error getting stream query: query is nil")

// manifestsWithFiles renders an application from files that the caller sends: what `argocd app diff --local` asks for.
func (s *Server) manifestsWithFiles(ctx context.Context, c *call, next func() (*protocol.ApplicationManifestQueryWithFilesWrapper, error)) (*protocol.ManifestResponse, error) {
	first, err := next()
	if errors.Is(err, io.EOF) || err == nil && first.Query == nil {
		return nil, errNoQuery
	}
	if err != nil {
		return nil, err
	}
	q := first.Query
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	renderer, ok := s.options.Manifests.(FileRenderer)
	if !ok {
		return nil, missingPart("render files that are sent")
	}
	files, err := receiveFiles(next, q.Checksum)
	if err != nil {
		return nil, err
	}
	answer, err := renderer.RenderFiles(ctx, app, bytes.NewReader(files), q.Checksum)
	if err != nil {
		return nil, fmt.Errorf("error generating manifests: %w", err)
	}
	return answer, s.maskManifests(ctx, answer)
}

// receiveFiles puts an archive together, and sees that it is the one that was announced.
func receiveFiles(next func() (*protocol.ApplicationManifestQueryWithFilesWrapper, error), checksum string) ([]byte, error) {
	var files bytes.Buffer
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if part.Chunk == nil {
			return nil, invalid("error getting stream chunk: chunk is nil")
		}
		if files.Len()+len(part.Chunk.Chunk) > maxUpload {
			return nil, fail(connect.CodeResourceExhausted, fmt.Errorf("file exceeded max size of %d bytes", maxUpload))
		}
		files.Write(part.Chunk.Chunk)
	}
	if sum := sha256.Sum256(files.Bytes()); hex.EncodeToString(sum[:]) != checksum {
		return nil, invalid(fmt.Sprintf("file checksum validation error: calc %s sent %s", hex.EncodeToString(sum[:]), checksum))
	}
	return files.Bytes(), nil
}
