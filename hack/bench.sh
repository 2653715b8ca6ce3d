#!/usr/bin/env bash
# The benchmarks, as a table: each line is one benchmark of a package with the time of one round, its memory, and what the
# benchmark itself measures. They start no cluster; bench-engine.sh does, and `make demo` shows the times of the whole way.
#
#   hack/bench.sh [REGEXP] [BENCHTIME]
set -euo pipefail
cd "$(dirname "$0")/.."

packages=$(grep -rl --include='*_test.go' '^func Benchmark' internal | xargs -n1 dirname | sort -u | sed 's|^|./|')
# shellcheck disable=SC2086
go test -run '^$' -bench "${1:-.}" -benchtime "${2:-1s}" -benchmem $packages | awk '
	/^pkg:/ { pkg = $2; sub(/.*fairlead\/internal\//, "", pkg) }
	/^Benchmark/ {
		name = $1; sub(/^Benchmark/, "", name); sub(/-[0-9]+$/, "", name)
		time = ""; memory = ""; rest = ""
		for (i = 3; i < NF; i += 2) {
			if ($(i+1) == "ns/op") time = sprintf("%.3f ms", $i / 1e6)
			else if ($(i+1) == "B/op") memory = sprintf("%.0f KB", $i / 1024)
			else if ($(i+1) != "allocs/op") rest = rest sprintf("  %s %s", $i, $(i+1))
		}
		if (!header++) printf "%-22s %-44s %14s %12s  %s\n", "PACKAGE", "BENCHMARK", "TIME", "MEMORY", "MORE"
		printf "%-22s %-44s %14s %12s%s\n", pkg, name, time, memory, rest
	}
	/^(FAIL|--- FAIL|panic)/ { print; failed = 1 }
	END { exit failed }'
