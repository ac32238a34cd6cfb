# The two commands are `make serve` and `make test`. Both set up what is missing.
# .ci/tools says where the tools come from.

TOOLS := . .ci/tools &&
LEPTOS := cargo leptos

.PHONY: serve test watch build check unit end2end api bench deny fuzz dist fmt clean help

serve: build ## build everything, and serve with embedded SQLite and no settings at all
	target/release/latchkey

test: ## set up, build and pass every test, the browser's included
	.ci/test

watch: ## the development loop: builds on every change, and reloads the page
	$(TOOLS) tools_bundle && LEPTOS_HASH_FILES=false LEPTOS_SITE_ROOT=target/watch $(LEPTOS) watch

build: ## the one binary, with the browser bundle in it: target/release/latchkey
	$(TOOLS) tools_bundle && say "Building Latchkey: minutes at first, then less than one" && \
		$(LEPTOS) build --release --precompress

lto: ## the same, optimized as a whole, as it is shipped: target/release-lto/latchkey
	$(TOOLS) tools_bundle && say "Building Latchkey, optimized as a whole: some minutes" && \
		LEPTOS_BIN_PROFILE_RELEASE=release-lto $(LEPTOS) build --release --precompress

check: ## formatting, lints and documentation
	cargo fmt --check
	cargo clippy --all-targets -- --deny warnings
	$(TOOLS) tools_wasm && cargo clippy --lib --no-default-features --features hydrate --target wasm32-unknown-unknown -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items

unit: ## the tests that need no browser, on SQLite and on a private PostgreSQL
	$(TOOLS) tools_postgres && tools_proxies && cargo test

bench: lto ## measures the binary that is shipped against the limits of this machine: BENCHMARKS.md
	$(TOOLS) tools_postgres && tools_bench && cargo run --quiet --release --example limits -- --json target/bench.json

deny: ## licences, bans and sources of the dependencies; advisories where their database can be reached
	$(TOOLS) tools_deny && .ci/deny

end2end: build ## the browser's tests, against the release binary
	$(TOOLS) tools_browser && cd end2end && npx playwright test

api: build ## the OpenAPI document: linted, against the running server, and clients made of it
	$(TOOLS) tools_schemathesis && tools_clients && .ci/api

fuzz: ## fuzz what parses strangers' bytes, FUZZ_SECONDS (30) for each target
	$(TOOLS) tools_fuzz && .ci/fuzz

dist: lto ## the binary, with its bill of materials and checksums: target/dist
	$(TOOLS) tools_sbom && .ci/sbom
	cp target/release-lto/latchkey LICENSE target/dist/ && cd target/dist && sha256sum latchkey latchkey.cdx.json >SHA256SUMS

fmt: ## format the code
	cargo fmt

clean: ## remove what was built
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
