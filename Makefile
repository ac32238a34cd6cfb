# Start with `make serve` and `make test`. Both set up what is missing.
# .ci/tools says where the tools come from.

TOOLS := . .ci/tools &&
LEPTOS := cargo leptos

.PHONY: serve test watch build lto check unit end2end pictures api bench deny fuzz dist fmt clean help

serve: build ## build everything, and serve with embedded SQLite and no settings
	target/release/latchkey

test: ## set up, build and run every test, including the browser's
	.ci/test

watch: ## the development loop: rebuilds on every change, and reloads the page
	$(TOOLS) tools_bundle && LEPTOS_HASH_FILES=false LEPTOS_SITE_ROOT=target/watch $(LEPTOS) watch

build: ## the single binary, including the browser bundle: target/release/latchkey
	$(TOOLS) tools_bundle && say "Building Latchkey: minutes at first, then less than one" && \
		$(LEPTOS) build --release --precompress

lto: ## the same with full optimization, as released: target/release-lto/latchkey
	$(TOOLS) tools_bundle && say "Building Latchkey, optimized as a whole: some minutes" && \
		$(LEPTOS) build --release --precompress --frontend-only && LEPTOS_SITE_ROOT=target/site \
		cargo build --profile release-lto --no-default-features --features ssr --bin latchkey

check: ## formatting, lints and documentation
	cargo fmt --check
	cargo clippy --all-targets -- --deny warnings
	$(TOOLS) tools_wasm && cargo clippy --lib --no-default-features --features hydrate --target wasm32-unknown-unknown -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items

unit: ## the tests without a browser, on SQLite and on a private PostgreSQL
	$(TOOLS) tools_postgres && tools_proxies && cargo test

bench: lto ## measure the release binary against the limits of this machine: BENCHMARKS.md
	$(TOOLS) tools_postgres && tools_bench && cargo run --quiet --release --example limits -- --json target/bench.json

deny: ## licences, bans and sources of the dependencies; advisories if their database can be reached
	$(TOOLS) tools_deny && .ci/deny

end2end: build ## the browser tests, against the release binary
	$(TOOLS) tools_browser && tools_apps && cd end2end && npx playwright test

pictures: build ## renew the pictures in the README
	$(TOOLS) tools_browser && cd end2end && npx playwright test --config pictures.config.ts

api: build ## lint the OpenAPI document, test the running server against it, and generate clients
	$(TOOLS) tools_schemathesis && tools_clients && .ci/api

fuzz: ## fuzz the parsers of untrusted input, FUZZ_SECONDS (30) for each target
	$(TOOLS) tools_fuzz && .ci/fuzz

dist: lto ## the binary, with its bill of materials and checksums: target/dist
	$(TOOLS) tools_sbom && .ci/sbom
	cp target/release-lto/latchkey LICENSE target/dist/ && cp src/web/page/icons/LICENSE target/dist/LICENSE.lucide && cd target/dist && sha256sum latchkey latchkey.cdx.json >SHA256SUMS

fmt: ## format the code
	cargo fmt

clean: ## remove build output
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
