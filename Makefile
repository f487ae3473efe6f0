# One command for each task. `make demo` and `make test` install the Debian packages that they lack.
.DEFAULT_GOAL := help
.PHONY: help demo demo-quick test test-c build release benchmarks benchmarks-modules benchmarks-reexec benchmarks-hindrances pause docs format clean

SWIFT ?= swift
# Suites that keep the machine busy for minutes: beside them others would not come to their turns in time.
HEAVY := FailureMatrix|GoldenEvaluation|NobodyNotices
SOURCES := Package.swift Sources Examples Tests Benchmarks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-23s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## replace a server by its next version and back while clients use it
	scripts/install-packages
	scripts/demo

demo-quick: ## the same with debug builds: half of the time, and slower programs
	scripts/install-packages
	scripts/demo --quick

test: ## check the format, build everything, run all tests
	scripts/install-packages
	$(SWIFT) format lint --strict --recursive --parallel $(wildcard $(SOURCES))
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --skip '$(HEAVY)'
	$(SWIFT) test --skip-build --filter '$(HEAVY)'
	$(MAKE) --no-print-directory -C Tests/C

test-c: ## the C sources' tests; with SANITIZE=address,undefined under these sanitizers
	scripts/install-packages
	$(MAKE) --no-print-directory -C Tests/C SANITIZE=$(SANITIZE)

build: ## debug build
	scripts/install-packages
	$(SWIFT) build

release: ## release build of all programs, with Swift's libraries inside
	scripts/install-packages
	$(SWIFT) build -c release --static-swift-stdlib -debug-info-format none

benchmarks: ## build the measurements, a package of its own
	scripts/install-packages
	$(SWIFT) build --package-path Benchmarks

pause: release ## measure the pause of an upgrade beside Erlang/OTP's, which must be installed; some 20 minutes
	Benchmarks/pause/run --docs

benchmarks-modules: release ## measure functional modules and their swaps; some 5 minutes
	$(SWIFT) build -c release --static-swift-stdlib --package-path Benchmarks --product module-worker
	Benchmarks/modules/run

benchmarks-reexec: release ## measure the daemon's own re-execution; some 3 minutes
	Benchmarks/reexec

benchmarks-hindrances: release ## measure what root waits for while everything hinders the daemon; some 12 minutes, as root
	Benchmarks/hindrances

docs: ## the reference of WorkerKit and Terms, in .build/docs
	scripts/install-packages
	scripts/build-docs

format: ## format the sources in place
	$(SWIFT) format --in-place --recursive --parallel $(wildcard $(SOURCES))

clean: ## remove what was built
	rm -rf .build Benchmarks/.build
