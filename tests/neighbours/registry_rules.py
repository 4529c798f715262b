"""What the MCP Gateway Registry does with an entry, by its own rules, and the nginx configuration that comes of it.

Read in github.com/agentic-community/mcp-gateway-registry: `cli/service_mgmt.sh` (the rewriting for `auth_provider`
"bedrock-agentcore") and `registry/core/nginx_service.py` (the location of a streamable-HTTP server).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FIELDS: dict[str, type | tuple[type, ...]] = {
    "server_name": str,
    "description": str,
    "path": str,
    "proxy_pass_url": str,
    "auth_provider": str,
    "auth_type": str,
    "supported_transports": list,
    "tags": list,
    "headers": list,
    "num_tools": int,
    "num_stars": int,
    "is_python": bool,
    "license": str,
    "tool_list": list,
}
"""The fields of the published `gateway-config.json`, in its order, with their types (docs/agentcore.md)."""

TOOL_FIELDS = {"name": str, "parsed_description": dict, "schema": dict}
DESCRIPTION_FIELDS: dict[str, tuple[type, ...]] = {
    "main": (str,),
    "args": (str, type(None)),
    "returns": (str, type(None)),
    "raises": (str, type(None)),
}


def shape_of(entry: dict[str, Any]) -> None:
    """Asserts that the entry has the published fields, those alone, with their types."""
    assert list(entry) == list(FIELDS)
    for name, kind in FIELDS.items():
        assert type(entry[name]) is kind, name
    assert all(type(word) is str for word in [*entry["supported_transports"], *entry["tags"]])
    for header in entry["headers"]:
        assert all(type(part) is str for pair in header.items() for part in pair)
    assert entry["num_tools"] == len(entry["tool_list"])
    for tool in entry["tool_list"]:
        assert {name: type(value) for name, value in tool.items()} == TOOL_FIELDS
        description = tool["parsed_description"]
        assert list(description) == list(DESCRIPTION_FIELDS)
        assert all(isinstance(description[name], kinds) for name, kinds in DESCRIPTION_FIELDS.items())


def rewritten(entry: dict[str, Any]) -> tuple[str, str]:
    """Path and URL as the registry keeps them."""
    path, url = entry["path"], entry["proxy_pass_url"]
    if entry["auth_provider"] == "bedrock-agentcore":
        path = path if path.startswith("/") else f"/{path}"
        path = path if path.endswith("/") else f"{path}/"
        for end in ("/mcp/", "/mcp"):
            if url.endswith(end):
                url = url.removesuffix(end)
                break
        url = url if url.endswith("/") else f"{url}/"
    return path, url


def nginx_conf(entry: dict[str, Any], *, folder: Path, port: int, validate: str) -> str:
    """A server on `port` with the registry's location for the entry; `validate` is the URL of its auth server."""
    path, url = rewritten(entry)
    upstream = urlsplit(url).netloc
    host = upstream if url.startswith("https") or "." in upstream else "$host"
    return f"""
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    large_client_header_buffers 4 32k;
    proxy_buffer_size 16k;
    proxy_buffers 4 16k;
    server {{
        listen 127.0.0.1:{port};
        absolute_redirect off;

        location = /validate {{
            internal;
            proxy_pass {validate};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-URL $scheme://$host$request_uri;
            proxy_pass_request_headers on;
        }}

        location {path} {{
            proxy_buffering off;
            proxy_set_header Connection "";
            auth_request /validate;
            auth_request_set $auth_user $upstream_http_x_user;
            auth_request_set $auth_scopes $upstream_http_x_scopes;
            proxy_pass {url};
            proxy_http_version 1.1;
            proxy_ssl_server_name on;
            proxy_set_header Host {host};
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Original-URL $scheme://$host$request_uri;
            proxy_set_header Authorization $http_authorization;
            proxy_set_header X-Authorization $http_x_authorization;
            proxy_set_header X-User $auth_user;
            proxy_set_header X-Scopes $auth_scopes;
            proxy_pass_request_headers on;
        }}
    }}
}}
"""
