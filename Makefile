# ndc: everything a person types. Meson and Ninja do the work; each target installs what it
# is missing from Debian's packages (and npm for the console) first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BUILD ?= build
CC ?= cc
export DEBIAN_FRONTEND := noninteractive

.PHONY: help setup build web run test lint san tsan fuzz bench bench-peers conformance \
        install uninstall deb clean format kill-test soak

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install what building, running and testing need
	@scripts/setup.sh

$(BUILD)/build.ninja:
	@meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: setup $(BUILD)/build.ninja ## compile the program
	@ninja -C $(BUILD) --quiet

web: setup ## build the console (web/dist)
	@web/build

run: build web ## serve http://127.0.0.1:8080, with the demo nation at first start (DEMO_PEOPLE=N)
	@scripts/run.sh $(BUILD)

install: build web ## install on this machine: program, service, man page, completion, user
	@scripts/install.sh $(BUILD) $(DESTDIR)

uninstall: ## remove what install put there (never the data)
	@scripts/uninstall.sh

deb: build web ## make a Debian package in the build folder
	@scripts/deb.sh $(BUILD)

test: build ## run every test
	@scripts/setup.sh test
	@web/build test
	@scripts/test.sh $(BUILD)

lint: setup ## formatting, static analysis, banned functions, layers
	@scripts/lint.sh

format: ## rewrite the sources with clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

san: setup ## the tests under the address and undefined-behaviour sanitizers
	@scripts/sanitize.sh address,undefined build-san

tsan: setup ## the tests under the thread sanitizer
	@scripts/sanitize.sh thread build-tsan

fuzz: setup ## fuzz every parser for FUZZ_SECONDS (30) each
	@scripts/fuzz.sh $(or $(FUZZ_SECONDS),30)

bench: build ## measure: prints `name value unit` lines
	@scripts/bench.sh $(BUILD)

bench-peers: build ## measure beside other programs, installed for it
	@scripts/bench_peers.sh $(BUILD)

conformance: build ## judge the OpenID provider by the plans of OpenID's certification, and by npm's clients
	@scripts/setup.sh test
	@web/build test
	@scripts/conformance.sh $(BUILD) $(PLANS)

kill-test: build ## kill -9 integrations, followers KILLS (200) times a database; live changes, movers of shards, checks till done
	@NDC_TEST_KILLS=$(or $(KILLS),200) $(BUILD)/tests/registry/core/test_registry_faults
	@NDC_TEST_KILLS=$(or $(KILLS),200) $(BUILD)/tests/registry/live/test_registry_live
	@NDC_TEST_KILLS=$(or $(KILLS),200) $(BUILD)/tests/registry/shard/test_registry_shard
	@NDC_TEST_KILLS=$(or $(KILLS),200) $(BUILD)/tests/registry/capture/test_registry_follow_faults
	@NDC_TEST_KILLS=$(or $(KILLS),200) $(BUILD)/tests/verify/test_verify_files

soak: build ## a daemon under mixed use for SOAK_MINUTES (5): errors or growth end it with 1
	@SOAK_MINUTES=$(or $(SOAK_MINUTES),5) scripts/soak.py $(BUILD)

clean: ## remove what was built (never ./data)
	@rm -rf build build-*
