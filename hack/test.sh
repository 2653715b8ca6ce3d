#!/usr/bin/env bash
# Everything that CI runs, with the time of each part. A part that fails doesn't keep the others from running: one run tells
# everything that is wrong. The local fleet that the last parts start is taken down at the end, whatever happens.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=()
part() {
	local title=$1 began=$SECONDS outcome=ok
	shift
	printf '\n== %s\n' "$title"
	if ! "$@"; then
		outcome=FAILED
		failed+=("$title")
	fi
	printf '== %s: %s, %d s\n' "$title" "$outcome" $((SECONDS - began))
}

analysis() {
	go vet -tags integration,e2e ./... &&
		go tool staticcheck -tags integration,e2e ./...
}

# generated files must be what `make generate` makes of the sources.
generated() {
	local before after
	before=$(git status --porcelain -- api docs/cli; cat api/*/*/zz_generated* api/crd/*.yaml docs/cli/* | sha256sum)
	make -s generate || return 1
	after=$(git status --porcelain -- api docs/cli; cat api/*/*/zz_generated* api/crd/*.yaml docs/cli/* | sha256sum)
	if [ "$before" != "$after" ]; then
		echo "generated files were out of date: commit what 'make generate' made" >&2
		git --no-pager diff --stat -- api docs/cli >&2
		return 1
	fi
}

# The race detector needs cgo; -tags integration adds the tests against real API servers. One package at a time: several
# of them start a control plane of their own.
tests() {
	CGO_ENABLED=1 go test -race -tags integration -p 1 -timeout 20m ./...
}

fleet_dir=$(mktemp -d "${TMPDIR:-/tmp}/fl-XXXX")
take_down() {
	if [ -x bin/fairlead ]; then bin/fairlead local reset --dir "$fleet_dir" >/dev/null 2>&1 || true; fi
	rm -rf "$fleet_dir"
}
trap take_down EXIT

# The demo leaves its fleet up; the kill -9 tests go on with it.
demo() { go run ./cmd/demo -fleet "$fleet_dir"; }
scenarios() { FAIRLEAD_FLEET="$fleet_dir" go test -tags e2e -count=1 -timeout 15m ./test/script/; }
kill9() { FAIRLEAD_FLEET="$fleet_dir" go test -tags e2e -count=1 -timeout 30m ./internal/demo/; }

hack/tools.sh
make -s build
part "static analysis" analysis
part "generated files" generated
part "unit, scenario and integration tests with -race" tests
part "Argo CD's own examples of health" make -s conformance-health
part "Argo CD's own examples of actions" make -s conformance-actions
part "Argo CD's own CLI against a hub" make -s conformance-argocd SUBSET=1
part "the demo, end to end" demo
part "bad input, scenario by scenario" scenarios
part "kill -9 at every stage boundary" kill9

if [ ${#failed[@]} -gt 0 ]; then
	printf '\nfailed in %d s:' "$SECONDS"
	printf ' [%s]' "${failed[@]}"
	printf '\n'
	exit 1
fi
printf '\nall parts passed in %d s\n' "$SECONDS"
