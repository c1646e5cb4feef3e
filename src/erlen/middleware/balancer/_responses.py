"""The responses of backends, told from what comes before them."""

from __future__ import annotations

import typing as t
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse


class FinalResponse(HTTPResponse):
    """Reads over informational responses (1xx), such as 103 Early Hints.

    ``http.client`` takes any but 100 for the response itself, and the connection would give that
    to the next request, whosever it is.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    """

    def begin(self) -> None:
        """Read the head of the response.

        :raises HTTPException: it is another protocol, which nobody has asked for.
        """
        super().begin()
        while self.status < HTTPStatus.OK:
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise HTTPException("The backend switches protocols unasked.")
            unread: t.Any = None  # what makes begin() begin again
            self.headers = self.msg = unread
            super().begin()


@cache
def connection_class(base: type[t.Any]) -> type[t.Any]:
    """Make a class of urllib3's connections that reads responses so."""
    return type(base.__name__, (base,), {"response_class": FinalResponse})
