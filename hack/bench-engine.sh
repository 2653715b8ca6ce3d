#!/usr/bin/env bash
# The application engine's speed and weight, as a table: an API server, a Git host and the real hub, with 1,000 applications
# that are each one ConfigMap. Takes about five minutes (N=10000: about twenty), mostly for what is measured at rest.
#
#   hack/bench-engine.sh [-n APPLICATIONS] [-only REGEXP] [-rest DURATION] [-profiles FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

sandbox=$(hack/tools.sh kube-sandbox)
echo "bench: the engine, with etcd and an API server of its own; about five minutes for 1,000 applications" >&2
go run ./cmd/bench -kube-sandbox "$sandbox" "$@"
