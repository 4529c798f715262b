# The proxy as an image for AgentCore Runtime (linux/arm64), or for any host that runs such images:
#
#     docker buildx build --load -t mcp-policy-proxy .
#     docker run --rm -p 8000:8000 -e MCP_PROXY_INBOUND=jwt … -e MCP_PROXY_UPSTREAM=https://… mcp-policy-proxy
#
# Who may call has to be said (MCP_PROXY_INBOUND): without it the proxy refuses to listen on more than loopback.
# setup_and_deploy.py puts the tree it has checked, with the users' policies inside, in the place of the stage `build`.
# To change the chain by hand, start from this image: COPY policies.toml and its modules to /app, and name it by
# MCP_PROXY_POLICIES=policies.toml.

ARG PYTHON=3.13

# Runs on the machine that builds, whatever that is: it downloads wheels for arm64 and executes none of them.
FROM --platform=$BUILDPLATFORM python:${PYTHON}-slim AS build
WORKDIR /src
COPY requirements.lock LICENSE ./
COPY proxy proxy
COPY policies policies
COPY deployment deployment
RUN ["python", "-m", "deployment.bundle_stage", "/app"]

# AgentCore runs arm64 alone, and so does what the stage above has made, whatever machine builds.
# hadolint ignore=DL3029
FROM --platform=linux/arm64 python:${PYTHON}-slim
WORKDIR /app
COPY --from=build /app /app
ENV MCP_PROXY_HOST=0.0.0.0 \
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=false \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ping', timeout=4)"]
CMD ["python", "main.py"]
