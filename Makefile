# One command for each task. `make demo` and `make test` install the Debian packages that they lack.
.DEFAULT_GOAL := help
.PHONY: help demo demo-quick test test-c build release built install deb benchmarks benchmarks-modules benchmarks-reexec benchmarks-hindrances pause docs format clean

SWIFT ?= swift
# Suites that keep the machine busy for minutes: beside them others would not come to their turns in time.
HEAVY := FailureMatrix|GoldenEvaluation|NobodyNotices
# Suites that await a machine of their own, a container with a service manager: all of its checks would stand behind the other suites.
CONTAINERS := ServiceManagerTests|DebianPackageTests|OperationsGuideTests
# What is installed and packed: release builds. A path of its own: the programs of another build.
PRODUCTS ?= .build/release
DESTDIR ?=
PREFIX ?= /usr/local
SOURCES := Package.swift packaging Sources Examples Tests Benchmarks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-23s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## replace a server by its next version and back while clients use it
	scripts/install-packages
	scripts/demo

demo-quick: ## the same with unoptimized programs: a third of the time, and slower ones
	scripts/install-packages
	scripts/demo --quick

test: ## check the format, build everything, run all tests
	scripts/install-packages
	$(SWIFT) format lint --strict --recursive --parallel $(wildcard $(SOURCES))
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --skip '$(HEAVY)|$(CONTAINERS)'
	$(SWIFT) test --skip-build --filter '$(CONTAINERS)'
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

built:
	@for product in release-handlerd releasectl module-host; do \
	    [ -x "$(PRODUCTS)/$$product" ] || exec $(MAKE) --no-print-directory release; \
	done

install: built ## put what `make release` built into DESTDIR/PREFIX (/usr/local); it is built where it is not there
	scripts/install-files --products "$(PRODUCTS)" --destdir "$(DESTDIR)" --prefix "$(PREFIX)"

deb: built ## the same as a Debian package, in .build/deb, checked by lintian
	scripts/install-packages package
	scripts/make-deb --products "$(PRODUCTS)" > .build/deb.path
	@tail -n 1 .build/deb.path
	lintian --fail-on error "$$(tail -n 1 .build/deb.path)"

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
