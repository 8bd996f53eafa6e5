# The commands of this repository. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build run test check fmt lint unit docs bench bench-peers fuzz clean

# On a CI machine the checkout is thrown away after each run; what was built is kept beside it.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/drawloom/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Optimised, but without the slow last steps of a release build.
PROFILE ?= fast
DRAWLOOM := $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/drawloom

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building and testing need, where it is missing
	@tools/setup.sh

build: setup ## build the binary (PROFILE=release for the smallest and fastest)
	cargo build --locked --package drawloom --profile $(PROFILE)

run: build ## run the example flow: HTTP, shell, a map and code, on data in the repository
	@tools/example.sh $(DRAWLOOM)

test: setup check unit ## everything: checks, then all tests

check: ## formatting, lints, layering, generated pages, licences
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo xtask check
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; \
	else echo "cargo-deny is not installed: licences and bans are not checked here"; fi
	@if typos --version >/dev/null 2>&1; then typos; else echo "typos is not installed: spelling is not checked here"; fi

unit: ## all tests, with a PostgreSQL server of their own
	@if cargo nextest --version >/dev/null 2>&1; then \
		set -x; tools/with-postgres.sh cargo nextest run --locked --workspace --no-fail-fast; \
	else \
		set -x; tools/with-postgres.sh cargo test --locked --workspace --no-fail-fast; \
	fi

fuzz: ## run the fuzz targets, each for MINUTES=1 minutes
	@tools/fuzz.sh

bench-peers: build ## measure beside Prefect, Airflow, Dagster, DBOS and Restate (PEERS="dbos …" for some)
	DRAWLOOM=$(abspath $(DRAWLOOM)) bench/peers/run.py $(PEERS)

docs: ## write the generated pages of the book again
	cargo xtask codegen

fmt: ## format all sources
	cargo fmt --all

clean: ## drop what was built and the local store
	cargo clean
	rm -rf .drawloom
