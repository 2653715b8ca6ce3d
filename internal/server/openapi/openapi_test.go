package openapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type inner struct {
	Value string `json:"value"`
}

type request struct {
	metav1.TypeMeta `json:",inline"`
	Name            string            `json:"name"`
	ID              *inner            `json:"id,omitempty"`
	Names           []string          `json:"names,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Deep            []inner           `json:"deep,omitempty"`
	Hidden          string            `json:"-"`
}

type response struct {
	At       metav1.Time `json:"at"`
	Raw      []byte      `json:"raw"`
	Count    int64       `json:"count"`
	Self     *response   `json:"self,omitempty"`
	Anything any         `json:"anything"`
}

func TestDocument(t *testing.T) {
	calls := []Call{
		{Procedure: "/thing.ThingService/Get", Verb: http.MethodGet, Path: "/api/v1/things/{name}/{id.value}", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response]()},
		{Procedure: "/thing.ThingService/Watch", Verb: http.MethodGet, Path: "/api/v1/things/{name...}", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response](), Streams: true},
		{Procedure: "/thing.ThingService/Create", Verb: http.MethodPost, Path: "/api/v1/things", Body: "*", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response]()},
		{Procedure: "/fairlead.v1.ThingService/Name", Verb: http.MethodPut, Path: "/api/v1/things/{name}", Body: "id", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response]()},
	}
	document, err := Document("Things", "1", calls)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct{ Name, In, Type string }
			Responses   map[string]struct{ Schema map[string]any }
		}
		Definitions map[string]struct{ Properties map[string]map[string]any }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	parameters := func(path, verb string) (all []string) {
		for _, p := range d.Paths[path][verb].Parameters {
			all = append(all, p.In+" "+p.Name)
		}
		return all
	}
	for _, c := range []struct {
		path, verb, id string
		parameters     []string
	}{
		{"/api/v1/things/{name}/{id.value}", "get", "ThingService_Get", []string{"path name", "path id.value", "query kind", "query apiVersion", "query names"}},
		{"/api/v1/things/{name}", "get", "ThingService_Watch", []string{"path name", "query kind", "query apiVersion", "query id.value", "query names"}},
		{"/api/v1/things", "post", "ThingService_Create", []string{"body body"}},
		{"/api/v1/things/{name}", "put", "ThingService_Name", []string{"path name", "body body", "query kind", "query apiVersion", "query names"}},
	} {
		if id := d.Paths[c.path][c.verb].OperationID; id != c.id {
			t.Errorf("%s %s: the operation is %q, want %q", c.verb, c.path, id, c.id)
		}
		if got := parameters(c.path, c.verb); !reflect.DeepEqual(got, c.parameters) {
			t.Errorf("%s %s: the parameters are %q, want %q", c.verb, c.path, got, c.parameters)
		}
	}
	properties := d.Definitions["openapiresponse"].Properties
	for name, want := range map[string]map[string]any{
		"at": {"type": "string", "format": "date-time"}, "raw": {"type": "string", "format": "byte"},
		"count": {"type": "integer", "format": "int64"}, "self": {"$ref": "#/definitions/openapiresponse"}, "anything": {},
	} {
		if !reflect.DeepEqual(properties[name], want) {
			t.Errorf("%s: got %v, want %v", name, properties[name], want)
		}
	}
	if _, shown := d.Definitions["openapirequest"].Properties["Hidden"]; shown {
		t.Error("a field that JSON leaves out is described")
	}
}

func TestDocumentRefusesWhatIsNoCall(t *testing.T) {
	for name, call := range map[string]Call{
		"no procedure":  {Procedure: "x", Verb: http.MethodGet, Path: "/api/x", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response]()},
		"no such field": {Procedure: "/a.B/C", Verb: http.MethodPost, Path: "/api/x", Body: "nothing", Request: reflect.TypeFor[request](), Response: reflect.TypeFor[response]()},
	} {
		if _, err := Document("", "", []Call{call}); err == nil {
			t.Errorf("%s: it was described", name)
		}
	}
}
