"""How browsers are told to treat a file that somebody uploaded."""

from __future__ import annotations

# Pictures that no browser runs anything of. SVG is not one of them.
_INLINE = frozenset(("jpg", "jpe", "jpeg", "png", "gif", "webp", "bmp", "avif", "ico"))

#: No guessing of another type, and nothing to load or run, should a file be opened as a page.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


def is_inline(ext: str) -> bool:
    """Tell whether a browser may show a file of this extension instead of saving it."""
    return ext in _INLINE
