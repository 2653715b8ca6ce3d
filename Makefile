# `make help` lists what there is. Every target sets up what it needs, says what it installs, and can be run twice.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## bin/fairlead
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS)' -o bin/fairlead ./cmd/fairlead

.PHONY: tools
tools: ## kube-sandbox, buildkitd and the Debian packages of the local fleet, built once and cached
	@hack/tools.sh

.PHONY: demo
demo: build tools ## the whole way on a local fleet: push, build, deploy, canary, roll back (DOWN=1 takes it down after)
	go run ./cmd/demo $(if $(DOWN),-down)

.PHONY: check
check: ## the inner loop, under a minute: vet and the quick tests
	go vet ./...
	go test -short ./...

.PHONY: test
test: ## everything that CI runs: analysis, generated files, tests with -race, API servers, the demo, kill -9
	@hack/test.sh

.PHONY: generate
generate: ## deep copies, CustomResourceDefinitions and the reference of the command line
	go tool controller-gen object paths=./api/...
	go tool controller-gen crd:allowDangerousTypes=true,maxDescLen=0,generateEmbeddedObjectMeta=true paths=./api/... output:crd:dir=./api/crd
	go run ./cmd/fairlead docs docs/cli

.PHONY: conformance-actions
conformance-actions: ## upstream's own cases of resource actions through ours; fetches upstream's module once
	@go run ./conformance/actions

.PHONY: bench
bench: build ## micro benchmarks, then the engine (N=1000), the API (LISTED=10000) and a set (GENERATED=2000), as tables; ONLY=regexp runs some parts
	@$(if $(ONLY),,hack/bench.sh)
	@hack/bench-engine.sh $(if $(N),-n $(N)) $(if $(LISTED),-listed $(LISTED)) $(if $(GENERATED),-generated $(GENERATED)) $(if $(ONLY),-only '$(ONLY)')

.PHONY: conformance-health
conformance-health: ## upstream's own health cases, every kind, through our checker (VERBOSE=1 lists messages that differ)
	go run ./conformance/health

.PHONY: conformance-argocd
conformance-argocd: build ## Argo CD's own CLI and REST calls against a hub (SUBSET=1 as CI does, RUN=regexp some of it, VERBOSE=1); builds the CLI once
	go run ./conformance/argocd $(if $(SUBSET),-subset) $(if $(RUN),-run '$(RUN)') $(if $(VERBOSE),-v)

.PHONY: conformance-e2e
conformance-e2e: build ## Argo CD's own e2e suite against a hub (RUN=regexp some of it, LOGS=folder keeps logs); an hour and more, builds the suite once
	go run ./conformance/argocd-e2e $(if $(RUN),-run '$(RUN)') $(if $(LOGS),-logs $(LOGS))

.PHONY: clean
clean: ## take the local fleet down and delete what was built here (the cache of built tools stays)
	@if [ -x bin/fairlead ]; then bin/fairlead local reset || true; fi
	rm -rf bin
