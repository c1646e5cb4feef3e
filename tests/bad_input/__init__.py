"""Whatever a client sends gets a right status, and never a traceback."""

from __future__ import annotations

from typing import Any


def is_clean(response: Any) -> bool:
    """No trace of Python in what the client gets."""
    body = response.get_data()
    return not any(mark in body for mark in (b"Traceback", b"File &#34;", b'File "', b"Error:"))
