// Package openapi describes the API's REST calls as an OpenAPI 2.0 document ("swagger"), from the same table and Go types that
// serve them, so that the description can't be out of date. It serves nothing. Names of definitions and operations are built as
// upstream's (grpc-gateway's): v1alpha1Application, applicationApplicationSyncRequest, ApplicationService_Sync. Start with Document.
package openapi

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Call is one REST call.
type Call struct {
	// Procedure is /package.Service/Method.
	Procedure string
	// Verb is the HTTP method, Path has {field} for fields of the request, which may be nested ({id.value}).
	Verb, Path string
	// Body is the field of the request that the body is: "*" for the request itself, empty for none.
	Body string
	// Request and Response are the types of the messages.
	Request, Response reflect.Type
	// Streams is true for a stream of Responses.
	Streams bool
}

// Document is the whole description, ready for encoding/json.
func Document(title, version string, calls []Call) (map[string]any, error) {
	b := &builder{names: map[reflect.Type]string{}, definitions: map[string]any{}}
	b.definitions["runtimeError"] = map[string]any{"type": "object", "properties": map[string]any{
		"error": map[string]any{"type": "string"}, "message": map[string]any{"type": "string"},
		"code": map[string]any{"type": "integer", "format": "int32"},
	}}
	paths := map[string]map[string]any{}
	for _, call := range calls {
		operation, err := b.operation(call)
		if err != nil {
			return nil, fmt.Errorf("describing %s: %w", call.Procedure, err)
		}
		path := strings.ReplaceAll(call.Path, "...}", "}")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(call.Verb)] = operation
	}
	return map[string]any{
		"swagger": "2.0", "info": map[string]any{"title": title, "version": version},
		"consumes": []string{"application/json"}, "produces": []string{"application/json"},
		"schemes": []string{"http", "https"}, "paths": paths, "definitions": b.definitions,
	}, nil
}

// builder gathers the definitions that calls refer to.
type builder struct {
	// pkg is the proto package of the call that is being described.
	pkg         string
	names       map[reflect.Type]string
	definitions map[string]any
}

var pathField = regexp.MustCompile(`\{([^}.]+(?:\.[^}.]+)*)(?:\.\.\.)?\}`)

func (b *builder) operation(call Call) (map[string]any, error) {
	pkg, rest, ok := strings.Cut(strings.TrimPrefix(call.Procedure, "/"), ".")
	service, method, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%q isn't /package.Service/Method", call.Procedure)
	}
	b.pkg = pkg
	if i := strings.LastIndex(service, "."); i >= 0 { // fairlead.v1.ApplicationService
		service = service[i+1:]
	}
	parameters, err := b.parameters(call)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"description": "A successful response.", "schema": b.schema(call.Response)}
	if call.Streams {
		answer["description"] = "A successful response. (streaming responses)"
		answer["schema"] = map[string]any{"type": "object", "title": "Stream result of " + b.name(call.Response), "properties": map[string]any{
			"result": b.schema(call.Response), "error": reference("runtimeError"),
		}}
	}
	operation := map[string]any{
		"operationId": service + "_" + method, "tags": []string{service},
		"responses": map[string]any{
			"200":     answer,
			"default": map[string]any{"description": "An unexpected error response.", "schema": reference("runtimeError")},
		},
	}
	if len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	return operation, nil
}

func (b *builder) parameters(call Call) ([]any, error) {
	var parameters []any
	var taken []string
	for _, match := range pathField.FindAllStringSubmatch(call.Path, -1) {
		parameters = append(parameters, map[string]any{"name": match[1], "in": "path", "required": true, "type": "string"})
		taken = append(taken, match[1])
	}
	switch {
	case call.Body == "*":
		return append(parameters, body(b.schema(call.Request))), nil
	case call.Body != "":
		typ, ok := fieldNamed(call.Request, call.Body)
		if !ok {
			return nil, fmt.Errorf("the request has no field %q", call.Body)
		}
		parameters = append(parameters, body(b.schema(typ)))
		taken = append(taken, call.Body)
	}
	if call.Verb == http.MethodGet || call.Verb == http.MethodDelete || call.Body != "" {
		parameters = append(parameters, b.query(call.Request, "", taken)...)
	}
	return parameters, nil
}

func body(schema map[string]any) map[string]any {
	return map[string]any{"name": "body", "in": "body", "required": true, "schema": schema}
}

// query describes the plain fields of a request, and those of the structs in it, as parameters.
func (b *builder) query(typ reflect.Type, prefix string, taken []string) (parameters []any) {
	for _, field := range fields(typ) {
		name := prefix + field.name
		if slices.Contains(taken, name) {
			continue
		}
		inner := indirect(field.typ)
		if _, known := known[inner]; !known && inner.Kind() == reflect.Struct {
			if prefix == "" {
				parameters = append(parameters, b.query(inner, name+".", taken)...)
			}
			continue
		}
		schema := b.schema(field.typ)
		if schema["$ref"] != nil || schema["additionalProperties"] != nil {
			continue // it doesn't fit into a query
		}
		if items, ok := schema["items"].(map[string]any); ok {
			if items["$ref"] != nil {
				continue
			}
			schema["collectionFormat"] = "multi"
		}
		schema["name"], schema["in"] = name, "query"
		parameters = append(parameters, schema)
	}
	return parameters
}
