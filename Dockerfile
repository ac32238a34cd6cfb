# syntax=docker/dockerfile:1

# Latchkey: the one binary, with everything in it, on a small Debian. Needs BuildKit.

FROM node:22-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
# Debian 12 has Node.js 18; the tools want 20 or newer.
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
WORKDIR /src

# The tools are a layer of their own, because they take minutes and depend on these files only.
# (src/browser/Cargo.toml says which wasm-bindgen it must be.)
COPY .ci/tools .ci/tools
COPY src/browser/Cargo.toml src/browser/
COPY end2end/package.json end2end/package-lock.json end2end/
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    . .ci/tools && tools_bundle

COPY . .
# What was compiled stays in a cache between builds, so the binary is taken out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    make lto && cp target/release-lto/latchkey /usr/local/bin/latchkey

# The Debian that it was built on: the binary needs its glibc, or a newer one, and libgcc, and both
# are in this image. An image without a shell would be smaller still, but could not check its health.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Latchkey" \
      org.opencontainers.image.description="Accounts for your app, in one binary" \
      org.opencontainers.image.licenses="MIT"

COPY --from=build /usr/local/bin/latchkey /usr/local/bin/latchkey

# A number and no name, so that an orchestrator can see that it is not root.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/latchkey
USER 10001:10001

# SQLite's file and the secret are in its folder `data`. Not used with PostgreSQL.
WORKDIR /var/lib/latchkey
VOLUME /var/lib/latchkey

ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000

# Whether the process lives, and not whether its database does (/readyz): a new container would not
# bring the database back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3"]

ENTRYPOINT ["/usr/local/bin/latchkey"]
CMD ["serve"]
