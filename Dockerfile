# The command line as an image: docker build -t prescore . && docker run --rm -v "$PWD:/work" prescore run jobs/flight-delay.yaml
FROM node:24-bookworm-slim AS build
# Models that normalize texts (StringNormalizer: TF-IDF of scikit-learn) cannot be opened without this locale, whatever LANG says.
RUN apt-get update && apt-get install -y --no-install-recommends locales \
  && localedef --no-archive -i en_US -f UTF-8 en_US.UTF-8 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/bundle.ts scripts/bundle-groups.ts scripts/
COPY src src
# What `prescore help TOPIC` prints.
COPY docs docs
RUN npm run build && npm prune --omit=dev
# ONNX Runtime's package carries its libraries for every platform (290 MB); those of this image's are 45 MB.
RUN find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d ! -path "*/$(node -p 'process.platform + "/" + process.arch')" -exec rm -r {} +

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/docs docs
COPY --from=build /usr/lib/locale/en_US.utf8 /usr/lib/locale/en_US.utf8
RUN ln -s /app/dist/cli/main.js /usr/local/bin/prescore && mkdir /work && chown node:node /work
# Not root; /work is where jobs and outputs are mounted, /tmp must be writable for scratch files.
USER node
WORKDIR /work
ENTRYPOINT ["prescore"]
CMD ["--help"]
