#!/usr/bin/env bash
# The hub's speed and weight, as a table: API servers, a Git host and the real hub. With 1,000 applications the engine takes about
# five minutes (N=10000: about twenty), mostly for what is measured at rest; the API's lists about ten, of which filling the API
# server takes half; an application set one.
#
#   hack/bench-engine.sh [-n APPLICATIONS] [-listed APPLICATIONS] [-generated APPLICATIONS] [-only REGEXP] [-rest DURATION] [-profiles FOLDER]
#
# -only 'api' and -only 'sets' run those alone.
set -euo pipefail
cd "$(dirname "$0")/.."

sandbox=$(hack/tools.sh kube-sandbox)
echo "bench: the hub, with etcd and API servers of its own; about a quarter of an hour for everything" >&2
go run ./cmd/bench -kube-sandbox "$sandbox" "$@"
