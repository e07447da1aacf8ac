# The data is on a volume at /data. Fly and Docker mount volumes as root, so the gateway runs as root
# inside its container; it needs nothing else of the machine.
FROM denoland/deno:2.9.6

WORKDIR /app
COPY deno.json deno.lock ./
COPY src ./src
RUN deno cache --frozen src/main.ts

ENV HOST=0.0.0.0 PORT=8080 WEIR_STORE=/data/weir.kv
VOLUME /data
EXPOSE 8080
USER root
CMD ["deno", "run", "--frozen", "--cached-only", "--allow-net", "--allow-env", "--allow-read", "--allow-write", "src/main.ts"]
