# The command line as an image: docker build -t prescore . && docker run --rm -v "$PWD:/work" prescore run jobs/flight-delay.yaml
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/build.ts
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN ln -s /app/dist/cli/main.js /usr/local/bin/prescore && mkdir /work && chown node:node /work
# Not root; /work is where jobs and outputs are mounted, /tmp must be writable for scratch files.
USER node
WORKDIR /work
ENTRYPOINT ["prescore"]
CMD ["--help"]
