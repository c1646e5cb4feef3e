"""What every quickstart uses: ask an application, and print what came back."""

from __future__ import annotations

import re
from typing import Any

# What no two runs have in common: tokens, times, hashes.
CHANGING = re.compile(
    r"eyJ[\w-]+\.[\w-]+(\.[\w-]+)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*"
    r"|[0-9a-fA-F]{32,}|[\w-]{43,}"
)
HEADERS = {"date", "set-cookie", "retry-after", "x-ratelimit-reset", "etag"} | {
    "last-modified",
    "x-amzn-trace-id",
}


def show(response: Any, body: bool = True) -> Any:
    """Print a response: status, headers but those that change, names of cookies, body."""
    print(response.request.method, response.request.path, "->", response.status)
    for name, value in sorted(response.headers):
        if name.lower() == "set-cookie":
            head, _, rest = value.partition("=")
            value = f"{head}=...; " + CHANGING.sub("...", rest.partition("; ")[2])
            value = re.sub(r"(?i)expires=[^;]+", "Expires=...", value)
        elif name.lower() in HEADERS:
            value = "..."
        elif name.lower() == "allow":
            value = ", ".join(sorted(value.split(", ")))  # from a set
        print("  ", f"{name}: {CHANGING.sub('...', value)}")
    if body:
        print(CHANGING.sub("...", response.get_data(as_text=True)))
    return response
