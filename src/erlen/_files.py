"""Files as responses: Werkzeug's ``send_file``, with a short way for a whole file on a path.

The short way answers a plain GET or HEAD byte for byte as Werkzeug does, at about a fifth of the
cost; whatever it does not take, from ranges to errors, is Werkzeug's.
"""

from __future__ import annotations

import inspect
import mimetypes
import os
import typing as t
from functools import lru_cache
from io import BytesIO, FileIO
from stat import S_ISREG
from time import time
from zlib import adler32

import werkzeug.utils
from werkzeug.security import safe_join
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import wrap_file

from ._http import LAST_SECOND, http_date
from .wrappers import Response, _keeps

Path: t.TypeAlias = os.PathLike[t.Any] | str

# Without O_NONBLOCK a named pipe is waited for; to a regular file it means nothing.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

# What a request may put on its answer, so that it is not simply the whole file (RFC 9110).
_CONDITIONS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_RANGE",
    "HTTP_IF_RANGE",
)
# What Werkzeug's send_file uses of a response's class.
_USED = (
    *("__new__", "__init__", "default_status", "headers", "content_length", "last_modified"),
    *("cache_control", "expires", "set_etag", "make_conditional", "accept_ranges"),
    *("status", "status_code"),
)
# Werkzeug's own; tests put mocks in their place.
_send_file = werkzeug.utils.send_file
_send_from_directory = werkzeug.utils.send_from_directory
_OPTIONS = frozenset(inspect.signature(_send_file).parameters)


def send_file(path_or_file: Path | t.IO[bytes], **options: t.Any) -> BaseResponse:
    """Send a file: ``werkzeug.utils.send_file``, with the same options.

    :param path_or_file: relative to the option ``_root_path``; or a binary file.
    """
    if isinstance(path_or_file, (str, os.PathLike)):
        path = os.path.join(options["_root_path"], path_or_file)
        response = _send_whole_file(path, options)
        if response is not None:
            return response
    return werkzeug.utils.send_file(path_or_file, **options)


def send_from_directory(directory: Path, path: Path, **options: t.Any) -> BaseResponse:
    """Send a file from below a directory: ``werkzeug.utils.send_from_directory``.

    :param directory: relative to the option ``_root_path``.
    :param path: the client's, relative to the directory.
    :raises werkzeug.exceptions.NotFound: for what lies outside, and what is no regular file.
    """
    full_path = _join(options["_root_path"], os.fspath(directory), os.fspath(path))
    if full_path is not None:
        response = _send_whole_file(full_path, options)
        if response is not None:
            return response
    return werkzeug.utils.send_from_directory(directory, path, **options)


# PERF: a few files are asked for again and again (some 5 µs; what is joined depends on no more).
@lru_cache(maxsize=256)
def _join(root_path: str, directory: str, path: str) -> str | None:
    joined = safe_join(directory, path)
    if joined is None:
        return None
    full_path = os.path.join(root_path, joined)
    return full_path if os.path.isabs(full_path) else None  # Werkzeug joins a relative one twice


def _send_whole_file(path: str, options: dict[str, t.Any]) -> Response | None:
    """Answer with a whole regular file; None where Werkzeug is to answer.

    :param options: for Werkzeug; a callable ``max_age`` that was asked is replaced by its answer.
    """
    if not _is_plain(options):
        return None
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError):
        return None
    # PERF: opened once and asked for its size, where Werkzeug asks twice before it opens; and
    # without a buffer, since it is read in blocks (some 5 µs each).
    stat = os.fstat(descriptor)
    if not S_ISREG(stat.st_mode):
        os.close(descriptor)
        return None
    file = FileIO(descriptor)
    try:
        response = _response_of(file, stat, path, options)
    except BaseException:
        file.close()
        raise
    if response is None:
        file.close()
    return response


def _is_plain(options: dict[str, t.Any]) -> bool:
    environ = options["environ"]
    name, mimetype = options.get("download_name"), options.get("mimetype")
    cls = options["response_class"]
    return (
        werkzeug.utils.send_file is _send_file
        and werkzeug.utils.send_from_directory is _send_from_directory
        and environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and not any(map(environ.__contains__, _CONDITIONS))
        and not options["use_x_sendfile"]
        and options.get("conditional", True) is True
        and options.get("etag", True) is True
        and options.get("last_modified") is None
        and (name is None or type(name) is str)
        and (mimetype is None or type(mimetype) is str)
        and (cls is Response or (issubclass(cls, Response) and _keeps(cls, *_USED)))
        and _OPTIONS.issuperset(options)
    )


def _response_of(
    file: FileIO, stat: os.stat_result, path: str, options: dict[str, t.Any]
) -> Response | None:
    max_age = options["max_age"]
    if callable(max_age):
        max_age = options["max_age"] = max_age(path)
    now = int(time())
    if max_age is None:
        caching = [("Cache-Control", "no-cache")]
    elif type(max_age) is int and 0 <= now + max_age < LAST_SECOND:
        caching = [
            ("Cache-Control", f"{'public' if max_age > 0 else 'no-cache'}, max-age={max_age}"),
            ("Expires", http_date(now + max_age)),
        ]
    else:
        return None
    name = options.get("download_name")
    if name is None:
        name = os.path.basename(path)
    # What the type is guessed from; it may change while the app runs.
    known_type = mimetypes.types_map.get("." + name.rpartition(".")[2])
    as_attachment = bool(options.get("as_attachment"))
    size, modified = stat.st_size, stat.st_mtime
    check = adler32(path.encode())
    headers = [
        *_headers_of_name(name, as_attachment, options.get("mimetype"), known_type),
        ("Content-Length", str(size)),
        ("Last-Modified", http_date(modified)),
        *caching,
        ("ETag", f'"{modified}-{size}-{check}"'),
        ("Date", http_date(now)),
        ("Accept-Ranges", "bytes"),
    ]
    # A server may want the name.
    file.name = path
    cls: type[Response] = options["response_class"]
    return cls._of_file(wrap_file(options["environ"], file), headers)


@lru_cache(maxsize=256)
def _headers_of_name(
    name: str, as_attachment: bool, mimetype: str | None, known_type: str | None
) -> tuple[tuple[str, str], ...]:
    """Return the headers that depend on the name alone, as Werkzeug writes them."""
    response = werkzeug.utils.send_file(
        BytesIO(),
        {},
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=name,
        conditional=False,
    )
    names = ("Content-Disposition", "Content-Encoding", "Content-Type")
    return tuple(pair for pair in response.headers if pair[0] in names)
