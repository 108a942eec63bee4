# `make` alone prints this list. Arguments travel in ARGS: make demo ARGS="--size 1280x720"

ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup build demo test soak bench lint clean-cache

help: ## this list
	@echo 'Targets (arguments: make demo ARGS="--size 1280x720"):'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: ## install the system packages that are not there yet
	@.ci/setup

build: setup ## the program, optimised: target/release/rushes
	cargo build --release --locked $(ARGS)

# Builds by itself, because ARGS belong to the program here.
demo: setup ## write a synthetic sequence once and play it in a window
	cargo build --release --locked
	"$${CARGO_TARGET_DIR:-target}/release/rushes" demo $(ARGS)

test: ## format, lint and all tests; the last line is the sum
	@.ci/setup --for-tests
	@.ci/test $(ARGS)

soak: setup ## 10,000 passes of 50 frames; fails on a leak or a slope of the memory; a few minutes
	RUSHES_SOAK_LOOPS=10000 cargo test --locked --test soak -- --nocapture $(ARGS)

bench: setup ## the benchmarks
	cargo bench --locked $(ARGS)

lint: setup ## format and lint, without tests
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# The sequences that `rushes demo` wrote; the next demo writes them again.
clean-cache: ## remove what rushes keeps in the cache folder
	rm -rf -- "$${XDG_CACHE_HOME:-$$HOME/.cache}/rushes"
