# syntax=docker/dockerfile:1
# docker build --build-arg VERSION=$(node -p "require('./package.json').version") -t <your registry>/keelson:<version> .
ARG NODE=24
ARG RUNTIME=gcr.io/distroless/nodejs24-debian12:nonroot

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# no package needs its install script
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY image image
COPY src src
# /app, and nothing else of this stage, is what the image runs: test/image.e2e-spec.ts starts Keelson from such a folder
RUN npm run image:tree -- /app && chmod -R a=rX /app

# Node and its libraries, CA certificates and the user 65532; no shell and no package manager
FROM ${RUNTIME}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Keelson" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# a small nursery, which stays in the caches of the processor, and few arenas of malloc: little memory is held for either
ENV PATH=/nodejs/bin:/usr/bin:/bin NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8000
# no HEALTHCHECK: /healthz and /readiness are for the probes of the cluster
ENTRYPOINT ["node"]
CMD ["dist/keelson.js", "serve"]
