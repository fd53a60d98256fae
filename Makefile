# Everything a developer or CI runs. `make help` lists it.

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: help test setup check fmt clippy deny units doc demo bench bench-peers long-kill build

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

test: setup check units doc ## install what the tests need, then run every check and every test

setup: ## install what the tests need (Debian packages, cargo-nextest, cargo-deny)
	tests/setup

check: fmt clippy deny ## formatting, lints, dependency rules

fmt:
	$(CARGO) fmt --check

clippy:
	$(CARGO) clippy --all-targets --locked -- -D warnings

deny:
	$(CARGO) deny --all-features check bans licenses sources

units: ## every test: unit, tidy, golden mails, whole system over real sockets
	$(CARGO) nextest run --locked --no-fail-fast

doc: ## the documentation builds, with no broken link
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items --locked --quiet

build: ## the release binary
	$(CARGO) build --release --locked

demo: ## a day of HR mail on loopback
	$(CARGO) run --release --locked -- demo

bench: ## microbenches of the pipeline
	$(CARGO) bench --locked

long-kill: build ## 200 SIGKILLs under load with Postfix as next hop; resumable, result in docs/long-runs.md
	CAREER_RELAY_BIN=target/release/career-relay tests/python/kill_run.py --kills 200 --min-credits 1000 --state target/long-kill --report docs/long-runs.md
