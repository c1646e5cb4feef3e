"""The responses of backends, told from what comes before them."""

from __future__ import annotations

import typing as t
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse


class FinalResponse(HTTPResponse):
    """Reads over informational responses (1xx), such as 103 Early Hints.

    ``http.client`` takes any but 100 for the response itself, and the connection would give that
    to the next request, whosever it is. And it reads on where it does not understand how long a
    body is, while a client who is told the same may see the end elsewhere.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.2,
    https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    """

    def begin(self) -> None:
        """Read the head of the response.

        :raises HTTPException: it is another protocol, which nobody has asked for, or it does not
            say in one number how long it is.
        """
        super().begin()
        while self.status < HTTPStatus.OK:
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise HTTPException("The backend switches protocols unasked.")
            unread: t.Any = None  # what makes begin() begin again
            self.headers = self.msg = unread
            super().begin()
        lengths = self.headers.get_all("Content-Length", ())
        if not self.chunked and (len(lengths) > 1 or not all(map(_is_number, lengths))):
            raise HTTPException(f"The backend's Content-Length is {', '.join(lengths)!r}.")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


@cache
def connection_class(base: type[t.Any]) -> type[t.Any]:
    """Make a class of urllib3's connections that reads responses so."""
    return type(base.__name__, (base,), {"response_class": FinalResponse})
