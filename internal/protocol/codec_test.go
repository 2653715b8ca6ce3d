package protocol

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// messages are those that the round-trip tests fill; between them they reach every type that has a layout.
func messages() []any {
	return []any{
		&argo.Application{}, &argo.ApplicationList{}, &argo.AppProject{}, &argo.AppProjectList{},
		&fairlead.Build{}, &fairlead.BuildList{}, &fairlead.BuildRuleList{},
		&ApplicationQuery{}, &ApplicationCreateRequest{}, &ApplicationUpdateRequest{}, &ApplicationUpdateSpecRequest{},
		&ApplicationPatchRequest{}, &ApplicationDeleteRequest{}, &ApplicationSyncRequest{}, &ApplicationRollbackRequest{},
		&OperationTerminateRequest{}, &ApplicationManifestQuery{}, &ManifestResponse{}, &RevisionMetadataQuery{},
		&RevisionMetadata{}, &ChartDetails{}, &OCIMetadata{}, &ApplicationWatchEvent{}, &ResourcesQuery{}, &ManagedResourcesResponse{}, &ApplicationTree{},
		&ApplicationResourceRequest{}, &ApplicationResourceResponse{}, &ResourceActionRunRequest{},
		&ResourceActionRunRequestV2{}, &ResourceActionsListResponse{}, &ApplicationPodLogsQuery{}, &LogEntry{},
		&ApplicationResourceEventsQuery{}, &EventList{}, &ClusterQuery{}, &ClusterCreateRequest{}, &ClusterUpdateRequest{},
		&ClusterList{}, &RepoQuery{}, &RepoCreateRequest{}, &RepoUpdateRequest{}, &RepoAccessQuery{}, &RepositoryList{},
		&RepoCredsQuery{}, &RepoCredsDeleteRequest{}, &RepoCredsCreateRequest{}, &RepoCredsUpdateRequest{}, &RepoCredsList{},
		&Refs{}, &RepoAppsQuery{}, &RepoAppsResponse{}, &RepoAppDetailsQuery{}, &RepoAppDetailsResponse{}, &HelmChartsResponse{},
		&ApplicationSyncWindowsQuery{}, &ApplicationSyncWindowsResponse{}, &SyncWindowsQuery{}, &SyncWindowsResponse{},
		&ProjectQuery{}, &ProjectCreateRequest{}, &ProjectUpdateRequest{}, &ProjectTokenCreateRequest{}, &ProjectTokenDeleteRequest{}, &ProjectTokenResponse{},
		&GlobalProjectsResponse{}, &DetailedProjectsResponse{}, &ListProjectLinksRequest{}, &SessionCreateRequest{}, &SessionResponse{},
		&GetUserInfoResponse{}, &UpdatePasswordRequest{}, &CanIRequest{}, &CanIResponse{}, &AccountsList{},
		&CreateTokenRequest{}, &CreateTokenResponse{}, &DeleteTokenRequest{}, &VersionMessage{}, &Settings{},
		&BuildRuleQuery{}, &BuildQuery{}, &BuildStartRequest{}, &BuildLogsRequest{}, &BuildLogChunk{},
		&HoldRequest{}, &RolloutQuery{}, &RolloutActionRequest{}, &RolloutList{},
	}
}

func fresh(message any) any { return reflect.New(reflect.TypeOf(message).Elem()).Interface() }

// filler fills messages with values that survive the wire: whole seconds, no empty but non-nil lists.
// With a chance of nil, lists hold nil messages as well, which the wire can't say.
func filler(seed int64, nilChance float64) *randfill.Filler {
	return randfill.NewWithSeed(seed).NilChance(nilChance).NumElements(1, 3).MaxDepth(20).Funcs(
		func(t *metav1.Time, c randfill.Continue) { t.Time = time.Unix(int64(c.Uint32()), 0) },
		func(t *metav1.MicroTime, c randfill.Continue) { t.Time = time.UnixMicro(int64(c.Uint32()) * 1001) },
		func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = []byte(`{"a":1}`) },
		func(i *intstr.IntOrString, c randfill.Continue) { *i = intstr.FromInt32(c.Int31()) },
		func(m *metav1.TypeMeta, c randfill.Continue) {},
		func(f *metav1.FieldsV1, c randfill.Continue) { f.SetRawString(`{"f:a":{}}`) },
		func(r *argo.SyncOperationResource, c randfill.Continue) {
			r.Group, r.Kind, r.Name = c.String(3), c.String(3), c.String(3)
		},
	)
}

func TestRoundTrip(t *testing.T) {
	for seed := range int64(20) {
		nilChance := float64(seed%2) * .5
		fill := filler(seed, nilChance)
		for _, message := range messages() {
			fill.Fill(message)
			encoded, err := Proto{}.Marshal(message)
			if err != nil {
				t.Fatalf("%T: %v", message, err)
			}
			decoded := fresh(message)
			if err := (Proto{}).Unmarshal(encoded, decoded); err != nil {
				t.Fatalf("%T: %v", message, err)
			}
			if diff := cmp.Diff(message, decoded); diff != "" && nilChance == 0 {
				t.Fatalf("%T changed on the way (-sent +received):\n%s", message, diff)
			}
			if again, err := (Proto{}).Marshal(decoded); err != nil || !bytes.Equal(again, encoded) {
				t.Fatalf("%T: other bytes the second time (%v)", message, err)
			}
		}
	}
}

// TestEveryFieldIsNumbered finds fields that JSON carries and protobuf would lose.
func TestEveryFieldIsNumbered(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] || !strings.HasPrefix(typ.PkgPath(), "fairlead.dev/") {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Tag.Get("json") == "-" || f.Type == reflect.TypeFor[metav1.TypeMeta]() {
				continue
			}
			if f.Tag.Get("protobuf") == "" {
				t.Errorf("%s.%s has no protobuf tag", typ, f.Name)
			}
			check(f.Type)
		}
	}
	for _, message := range messages() {
		check(reflect.TypeOf(message))
	}
}

// TestWire compares with bytes written by hand after upstream's generated.proto and application.proto.
func TestWire(t *testing.T) {
	str := func(b []byte, number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
	}
	msg := func(b []byte, number protowire.Number, m []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), m)
	}
	num := func(b []byte, number protowire.Number, n uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), n)
	}
	long := strings.Repeat("x", 300)
	truth := true
	for name, test := range map[string]struct {
		message any
		want    []byte
	}{
		"sync request": {
			&ApplicationSyncRequest{
				Name: "shop", Prune: true, SyncOptions: &SyncOptions{Items: []string{"Replace=true"}},
				SourcePositions: []int64{1, 2},
			},
			num(num(msg(num(str(nil, 1, "shop"), 4, 1), 11, str(nil, 1, "Replace=true")), 14, 1), 14, 2),
		},
		"required field though empty": {&ApplicationResourceResponse{}, str(nil, 1, "")},
		"false that isn't absent": {
			&ApplicationDeleteRequest{Name: "a", Cascade: new(bool)}, num(str(nil, 1, "a"), 2, 0),
		},
		"source type number 4 and inlined metadata": {
			&argo.Application{Spec: argo.ApplicationSpec{
				Source:  &argo.ApplicationSource{RepoURL: "u", TargetRevision: "main"},
				Project: "default",
			}},
			msg(msg(nil, 1, mustMarshal(t, &metav1.ObjectMeta{})), 2,
				str(msg(nil, 1, str(str(nil, 1, "u"), 4, "main")), 3, "default")),
		},
		"history": {
			&argo.RevisionHistory{Revision: "abc", ID: -1, DeployedAt: metav1.Unix(5, 0)},
			num(msg(str(nil, 2, "abc"), 4, num(num(nil, 1, 5), 2, 0)), 5, 1<<64-1),
		},
		"kustomize inlined": {
			&argo.KustomizeSelector{KustomizeResId: argo.KustomizeResId{KustomizeGvk: argo.KustomizeGvk{Kind: "Pod"}, Name: "n"}},
			msg(nil, 1, str(msg(nil, 1, str(nil, 3, "Pod")), 2, "n")),
		},
		"optional map and array": {
			&argo.ApplicationSourcePluginParameter{Name: "p", Map: map[string]string{"b": "2", "a": "1"}, Array: []string{"x"}},
			msg(msg(str(nil, 1, "p"), 3, msg(msg(nil, 1, str(str(nil, 1, "a"), 2, "1")), 1, str(str(nil, 1, "b"), 2, "2"))),
				4, str(nil, 1, "x")),
		},
		"long text in a message": {
			&ApplicationUpdateSpecRequest{Name: "n", Spec: &argo.ApplicationSpec{Project: long}, Validate: &truth},
			num(msg(str(nil, 1, "n"), 2, str(nil, 3, long)), 3, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Proto{}.Marshal(test.message)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if app, ok := test.message.(*argo.Application); ok && len(app.Name) == 0 {
				want = want[2+len(mustMarshal(t, &metav1.ObjectMeta{})):] // zero metadata is left out
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("other bytes (-want +got):\n%s", diff)
			}
			decoded := fresh(test.message)
			if err := (Proto{}).Unmarshal(got, decoded); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.message, decoded); diff != "" {
				t.Fatalf("changed on the way:\n%s", diff)
			}
		})
	}
}

func mustMarshal(t *testing.T, meta *metav1.ObjectMeta) []byte {
	t.Helper()
	b, err := meta.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := protowire.AppendTag(nil, 99, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, 7)
	b = protowire.AppendTag(b, 98, protowire.StartGroupType)
	b = protowire.AppendTag(b, 98, protowire.EndGroupType)
	b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), "a")
	got := &ProjectQuery{}
	if err := (Proto{}).Unmarshal(b, got); err != nil || got.Name != "a" {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestPackedNumbers(t *testing.T) {
	b := protowire.AppendBytes(protowire.AppendTag(nil, 14, protowire.BytesType), []byte{1, 2, 3})
	got := &ApplicationSyncRequest{}
	if err := (Proto{}).Unmarshal(b, got); err != nil || len(got.SourcePositions) != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestMalformed(t *testing.T) {
	for name, data := range map[string][]byte{
		"cut off":         {0x0a, 5, 'a'},
		"bad tag":         {0},
		"wrong wire type": {0x08, 1},
		"not UTF-8":       {0x0a, 1, 0xff},
		"endless number":  {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			err := Proto{}.Unmarshal(data, &ApplicationSyncRequest{})
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestTooMany(t *testing.T) {
	b := bytes.Repeat([]byte{0x4a, 0}, 100) // ApplicationQuery.names, empty ones
	if err := (Proto{MaxElements: 99}).Unmarshal(b, &ApplicationQuery{}); !errors.Is(err, ErrMalformed) {
		t.Fatalf("got %v", err)
	}
	if err := (Proto{MaxElements: 100}).Unmarshal(b, &ApplicationQuery{}); err != nil {
		t.Fatal(err)
	}
}

func TestTooDeep(t *testing.T) {
	type node struct {
		Next *node `protobuf:"bytes,1,opt,name=next"`
	}
	var b []byte
	for range maxDepth + 2 {
		b = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b)
	}
	if err := (Proto{}).Unmarshal(b, &node{}); !errors.Is(err, ErrMalformed) {
		t.Fatalf("got %v", err)
	}
	cycle := &node{}
	cycle.Next = cycle
	if _, err := (Proto{}).Marshal(cycle); err == nil {
		t.Fatal("a message inside itself was encoded")
	}
}

func TestBadTags(t *testing.T) {
	for name, message := range map[string]any{
		"number twice": &struct {
			A string `protobuf:"bytes,1,opt,name=a"`
			B string `protobuf:"bytes,1,opt,name=b"`
		}{},
		"wrong type": &struct {
			A string `protobuf:"varint,1,opt,name=a"`
		}{},
		"no number": &struct {
			A string `protobuf:"bytes,x,opt,name=a"`
		}{},
		"unsupported": &struct {
			A chan int `protobuf:"bytes,1,opt,name=a"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := (Proto{}).Marshal(message); err == nil {
				t.Fatal("no error")
			}
		})
	}
}

func TestJSONCodec(t *testing.T) {
	if err := (JSON{}).Unmarshal(nil, &ProjectQuery{}); err != nil {
		t.Fatal(err)
	}
	b, err := JSON{}.Marshal(&VersionMessage{Version: "1"})
	if err != nil || string(b) != `{"Version":"1"}` {
		t.Fatalf("%s, %v", b, err)
	}
}

func TestSetField(t *testing.T) {
	update := &ApplicationUpdateRequest{}
	pods := &ApplicationPodLogsQuery{}
	for _, set := range []struct {
		message any
		path    string
		values  []string
	}{
		{update, "application.metadata.name", []string{"shop"}},
		{update, "validate", []string{"false"}},
		{pods, "tailLines", []string{"10"}},
		{pods, "sinceTime", []string{"2026-01-02T03:04:05Z"}},
	} {
		if err := SetField(set.message, set.path, set.values); err != nil {
			t.Fatal(err)
		}
	}
	if update.Application.Name != "shop" || *update.Validate || pods.TailLines != 10 || pods.SinceTime.Year() != 2026 {
		t.Fatalf("got %+v, %+v", update, pods)
	}
	sync := &ApplicationSyncRequest{}
	if err := SetField(sync, "sourcePositions", []string{"1", "2"}); err != nil || len(sync.SourcePositions) != 2 {
		t.Fatalf("%+v, %v", sync, err)
	}
	if err := SetField(sync, "dryRun", []string{"maybe"}); err == nil {
		t.Fatal("no error for a boolean that isn't one")
	}
	if err := SetField(sync, "nope.nope", []string{"x"}); !errors.Is(err, ErrNoField) {
		t.Fatalf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	fill := filler(1, .5)
	for i, message := range messages() {
		fill.Fill(message)
		if encoded, err := (Proto{}).Marshal(message); err == nil {
			f.Add(uint8(i), encoded)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		all := messages()
		message := all[int(which)%len(all)]
		if (Proto{}).Unmarshal(data, message) != nil {
			return
		}
		if _, err := json.Marshal(message); err != nil {
			return // such as a RawExtension that holds no JSON
		}
		encoded, err := Proto{}.Marshal(message)
		if err != nil {
			t.Fatalf("what was decoded doesn't encode: %v", err)
		}
		again := fresh(message)
		if err := (Proto{}).Unmarshal(encoded, again); err != nil {
			t.Fatalf("what was encoded doesn't decode: %v", err)
		}
		if twice, err := (Proto{}).Marshal(again); err != nil || !bytes.Equal(twice, encoded) {
			t.Fatalf("%T changes on its way there and back: %x, then %x (%v)", message, encoded, twice, err)
		}
	})
}

// FuzzSetField sets fields as the query of a URL does.
func FuzzSetField(f *testing.F) {
	f.Add(uint8(0), "metadata.name", "x")
	f.Add(uint8(35), "cluster.config.tlsClientConfig.insecure", "true")
	f.Add(uint8(23), "sinceTime", "2026-01-01T00:00:00Z")
	f.Add(uint8(9), "application.spec.source.helm.parameters.name", "x")
	f.Fuzz(func(t *testing.T, which uint8, path, value string) {
		all := messages()
		message := all[int(which)%len(all)]
		if SetField(message, path, []string{value, value}) != nil {
			return
		}
		if _, err := (Proto{}).Marshal(message); err != nil {
			t.Fatalf("%T with %s=%q doesn't encode: %v", message, path, value, err)
		}
	})
}

// TestMemoryIsBounded sends messages that would be many times as large in memory.
func TestMemoryIsBounded(t *testing.T) {
	owners := bytes.Repeat([]byte{0x6a, 0x00}, 1_500_000) // empty owner references
	application := append(binary.AppendUvarint([]byte{0x0a}, uint64(len(owners))), owners...)
	for name, err := range map[string]error{
		"owners":           Proto{}.Unmarshal(application, &argo.Application{}),
		"metadata":         Proto{}.Unmarshal(append([]byte{0x0a, 0x80, 0x80, 0x80, 0x03}, make([]byte, 6<<20)...), &argo.Application{}),
		"sources":          Proto{}.Unmarshal(sourcesOf(1_500_000), &argo.ApplicationSpec{}),
		"JSON of sources":  JSON{}.Unmarshal([]byte(`{"sources":[{}`+strings.Repeat(",{}", 600_000)+"]}"), &argo.ApplicationSpec{}),
		"JSON of brackets": JSON{}.Unmarshal(bytes.Repeat([]byte("["), 20_000), &argo.ApplicationSpec{}),
	} {
		if err == nil {
			t.Errorf("%s: all of it was taken", name)
		}
	}
	text := `{"repoURL":"` + strings.Repeat(`,\"{[`, 300_000) + `"}`
	if err := (JSON{}).Unmarshal([]byte(text), &argo.ApplicationSource{}); err != nil {
		t.Errorf("a long text was taken for many elements: %v", err)
	}
}

// sourcesOf encodes a spec with so many empty sources.
func sourcesOf(count int) []byte {
	one, err := Proto{}.Marshal(&argo.ApplicationSpec{Sources: argo.ApplicationSources{{}}})
	if err != nil {
		panic(err)
	}
	return bytes.Repeat(one, count)
}

// BenchmarkList is a list of 1,000 large applications (20 kB each), as the hub sends it.
func BenchmarkList(b *testing.B) {
	list := &argo.ApplicationList{}
	fill := filler(3, .2)
	for range 1000 {
		app := argo.Application{}
		fill.Fill(&app)
		list.Items = append(list.Items, app)
	}
	encoded, err := Proto{}.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(encoded)))
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := (Proto{}).Marshal(list); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if err := (Proto{}).Unmarshal(encoded, &argo.ApplicationList{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			if _, err := (JSON{}).Marshal(list); err != nil {
				b.Fatal(err)
			}
		}
	})
}
