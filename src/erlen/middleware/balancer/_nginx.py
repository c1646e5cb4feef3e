"""The same balancing as a configuration for nginx."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ._backends import Backend, Policy

_SERVER_NAME = re.compile(r"[A-Za-z0-9_.*-]+")


def nginx_config(
    backends: Sequence[Backend],
    *,
    policy: Policy,
    sticky: bool,
    retries: int,
    failures: int,
    recovery: float,
    connect_timeout: float,
    read_timeout: float,
    listen: int,
    server_name: str,
) -> str:
    """Write what goes into nginx's ``http`` block.

    :raises ValueError: nginx takes one scheme and no path for all backends; the name is none.

    Source: https://nginx.org/en/docs/http/ngx_http_upstream_module.html,
    https://nginx.org/en/docs/http/ngx_http_proxy_module.html
    """
    schemes = {backend.secure for backend in backends}
    if len(schemes) > 1 or any(backend.path for backend in backends):
        raise ValueError("For nginx all backends have one scheme, and no path.")
    if _SERVER_NAME.fullmatch(server_name) is None:
        raise ValueError(f"{server_name!r} is no server name.")
    scheme = "https" if schemes.pop() else "http"
    method = {"round_robin": [], "least_connections": ["    least_conn;"]}[policy]
    if sticky:
        # Sticky cookies are in nginx's commercial edition only.
        method = ["    ip_hash;"]
    servers = [
        f"    server {_authority(each)} weight={each.weight}"
        f" max_fails={failures} fail_timeout={math.ceil(recovery)}s;"
        for each in backends
    ]
    lines = [
        "map $http_upgrade $erlen_connection {",
        "    default upgrade;",
        "    '' '';",
        "}",
        "upstream erlen_backends {",
        *method,
        *servers,
        "    keepalive 64;",
        "}",
        "server {",
        f"    listen {listen};",
        f"    server_name {server_name};",
        "    location / {",
        f"        proxy_pass {scheme}://erlen_backends;",
        "        proxy_http_version 1.1;",
        "        proxy_set_header Host $http_host;",
        "        proxy_set_header Upgrade $http_upgrade;",
        "        proxy_set_header Connection $erlen_connection;",
        "        proxy_set_header Forwarded '';",
        "        proxy_set_header X-Forwarded-For $remote_addr;",
        "        proxy_set_header X-Forwarded-Proto $scheme;",
        "        proxy_set_header X-Forwarded-Host $http_host;",
        "        proxy_set_header X-Forwarded-Port $server_port;",
        "        proxy_set_header X-Forwarded-Prefix '';",
        "        proxy_set_header X-Real-IP '';",
        f"        proxy_connect_timeout {_milliseconds(connect_timeout)};",
        f"        proxy_read_timeout {_milliseconds(read_timeout)};",
        "        proxy_next_upstream error timeout http_502 http_503 http_504;",
        f"        proxy_next_upstream_tries {retries + 1};",
        "        proxy_buffering off;",
        "        proxy_request_buffering off;",
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _authority(backend: Backend) -> str:
    host = f"[{backend.host}]" if ":" in backend.host else backend.host
    return f"{host}:{backend.port}"


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
