# The data is on a volume at /data. Fly and Docker mount volumes as root, so the gateway runs as root
# inside its container; it needs nothing else of the machine.
FROM denoland/deno:2.9.6

WORKDIR /app
COPY deno.json deno.lock ./
COPY src ./src
RUN deno cache --frozen src/main.ts src/cli/store_folder.ts

# See the README on the interval: how often who has little to say is heard beside who floods.
ENV HOST=0.0.0.0 PORT=8080 WEIR_STORE=/data/weir.kv DENO_TOKIO_EVENT_INTERVAL=1
VOLUME /data
EXPOSE 8080
USER root
# The task `start` of deno.json with the folder of the volume; another WEIR_STORE needs its own here.
CMD deno run --frozen --cached-only --allow-env src/cli/store_folder.ts > /dev/null && \
  exec deno run --frozen --cached-only --no-prompt --allow-net \
  "--allow-env=HOST,PORT,WEIR_*,DENO_KV_ACCESS_TOKEN,DENO_DEPLOYMENT_ID,WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE" \
  --allow-read=/data --allow-write=/data src/main.ts
