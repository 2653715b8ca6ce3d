#!/usr/bin/env bash
# The programs that a local fleet runs besides fairlead, each built once and kept in the cache folder under a name with the
# hash of its sources; a link without the hash points to the newest. Prints the path of each program that is asked for.
#
#   hack/tools.sh                        all of them
#   hack/tools.sh kube-sandbox           only these: kube-sandbox, pause, buildkitd, kwok, argocd, packages,
#                                        argocd-e2e, helm, kustomize, oras
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${FAIRLEAD_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlead/bin}
mkdir -p "$cache"

say() { echo "tools: $*" >&2; }

# build NAME FOLDER PACKAGE [LDFLAGS [COMMAND]]: one Go program from the module or package in a folder, by `go build` or `go COMMAND`.
build() {
	local name=$1 folder=$2 package=$3 flags="-s -w ${4:-}" how=${5:-build} hash target began=$SECONDS
	hash=$({
		cd "$folder"
		for file in go.mod go.sum *.go; do
			if [ -f "$file" ]; then cat "$file"; fi
		done
		echo "$package $flags"
	} | sha256sum | cut -c1-16)
	target=$cache/$name-$hash
	# Test binaries of several packages may ask at the same time.
	exec 9>"$cache/$name.lock"
	flock 9
	if [ ! -x "$target" ]; then
		say "building $name (once; kube-sandbox takes some 10 minutes on 2 cores, argocd 6, the others 1)"
		(cd "$folder" && CGO_ENABLED=0 go $how -trimpath -ldflags "$flags" -o "$target.new" "$package")
		mv "$target.new" "$target"
		say "built $name in $((SECONDS - began)) s"
	fi
	ln -sfn "$name-$hash" "$cache/$name"
	exec 9>&-
	echo "$target"
}

# kube_sandbox gives Kubernetes the version that it was released as, which its own build takes from Git; charts ask for it.
kube_sandbox() {
	local version stamp=""
	version=$(sed -n 's/^\tk8s.io\/kubernetes v\([0-9.]*\).*/\1/p' sandbox/go.mod)
	for variable in gitVersion=v$version gitMajor=1 "gitMinor=$(cut -d. -f2 <<<"$version")" gitTreeState=clean; do
		stamp+=" -X k8s.io/component-base/version.$variable -X k8s.io/client-go/pkg/version.$variable"
	done
	build kube-sandbox sandbox . "$stamp"
}

# argocd is Argo CD's own CLI as it was released, which its build takes from Git too. It asks for a newer Go than ours,
# for this build alone.
argocd() {
	local version package=github.com/argoproj/argo-cd/v3
	version=$(sed -n 's/^\tgithub.com\/argoproj\/argo-cd\/v3 \(v[0-9.]*\).*/\1/p' conformance/argocd/cli/go.mod)
	export GOTOOLCHAIN=go1.27.4
	build argocd conformance/argocd/cli $package/cmd "-X $package/common.version=${version#v} -X $package/common.gitTag=$version -X $package/common.gitTreeState=clean"
	unset GOTOOLCHAIN
}

# argocd_e2e is Argo CD's own e2e suite, as one test program.
argocd_e2e() {
	export GOTOOLCHAIN=go1.27.4
	build argocd-e2e conformance/argocd/e2e github.com/argoproj/argo-cd/v3/test/e2e "" "test -c"
	unset GOTOOLCHAIN
}

# chart_tool NAME PACKAGE is one that the suite makes charts and artifacts with.
chart_tool() {
	export GOTOOLCHAIN=go1.27.4
	build "$1" conformance/argocd/charttools "$2"
	unset GOTOOLCHAIN
}

# packages are Debian's parts of a node and of the builder: "program package".
packages() {
	local missing=()
	while read -r program package; do
		if ! command -v "$program" >/dev/null && [ ! -x "$program" ]; then missing+=("$package"); fi
	done <<-EOT
		containerd containerd
		runc runc
		iptables iptables
		ip iproute2
		conntrack conntrack
		busybox busybox-static
		git git
		ssh openssh-client
		/usr/lib/cni/ptp containernetworking-plugins
	EOT
	if [ ${#missing[@]} -eq 0 ]; then return; fi
	if [ "$(uname)" != Linux ]; then
		say "nodes are simulated: real ones need Linux"
	elif [ "$(id -u)" != 0 ]; then
		say "nodes are simulated: real ones need root, and the packages ${missing[*]}"
	elif ! command -v apt-get >/dev/null; then
		say "install these packages in your distribution's way, real nodes need them: ${missing[*]}"
		return 1
	else
		say "installing Debian packages: ${missing[*]}"
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2
	fi
}

tool() {
	case $1 in
	kube-sandbox) kube_sandbox ;;
	pause) build pause sandbox/pause . ;;
	buildkitd) build buildkitd sandbox/buildkitd github.com/moby/buildkit/cmd/buildkitd ;;
	kwok) build kwok sandbox/kwok sigs.k8s.io/kwok/cmd/kwok ;;
	argocd) argocd ;;
	argocd-e2e) argocd_e2e ;;
	helm) chart_tool helm helm.sh/helm/v4/cmd/helm ;;
	oras) chart_tool oras oras.land/oras/cmd/oras ;;
	kustomize) chart_tool kustomize sigs.k8s.io/kustomize/kustomize/v5 ;;
	packages) packages ;;
	*)
		say "there is no tool \"$1\"; there are kube-sandbox, pause, buildkitd, kwok, argocd, argocd-e2e, helm, kustomize, oras, packages"
		return 2
		;;
	esac
}

if [ $# -eq 0 ]; then
	set -- packages pause buildkitd kube-sandbox
	# Nodes that can't be real are simulated.
	if [ "$(id -u)" != 0 ] || [ "$(uname)" != Linux ]; then set -- kube-sandbox kwok; fi
fi
for name in "$@"; do tool "$name"; done
