"""Request and response: Werkzeug's, built lazily."""

from __future__ import annotations

# typing.get_type_hints(Response) looks for the names of its annotations in its module.
from werkzeug.datastructures import Headers as BaseHeaders  # noqa: F401

from ._request import Request as Request
from ._request import _split_blueprint_path as _split_blueprint_path
from ._request import _wsgi_text as _wsgi_text
from ._response import Response as Response
from ._response import _is_plain_path as _is_plain_path
from ._response import _keeps as _keeps
from ._response import redirect_to as redirect_to
from ._response import send_body as send_body
from ._response import text_response as text_response
