"""What a captcha's provider is, and how one is asked over the network."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urlencode

from markupsafe import Markup

MOST_BYTES = 64 * 1024


class CaptchaRefused(Exception):
    """A response is not good; the text tells why, for the log."""


class CaptchaUnavailable(Exception):
    """It cannot be told whether a response is good; the text tells why, for the log."""


class Solved(t.Protocol):
    """What a provider sees of the field."""

    id: str
    response: str
    action: str | None
    score: float | None

    def gettext(self, string: str) -> str:
        """Return a message in the user's language."""
        ...


class Provider(t.Protocol):
    """Shows captchas and judges what comes back."""

    #: What it is called, in messages.
    name: str
    #: What the names of its settings begin with.
    prefix: str
    #: The name under which the page sends the response.
    response_name: str
    #: Which of ``action`` and ``score`` it has.
    knows: frozenset[str]

    def render(self, field: t.Any, nonce: str | None, attributes: dict[str, t.Any]) -> Markup:
        """Render the captcha.

        :param field: the field.
        :param nonce: for scripts, or None.
        :param attributes: HTML attributes for its element.
        """
        ...

    def check(self, field: Solved) -> None:
        """Judge the response that came.

        :raise CaptchaRefused: it is not good.
        :raise CaptchaUnavailable: that cannot be told.
        """
        ...


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The secret goes to the server that is configured, and nowhere else."""

    def redirect_request(self, *args: t.Any, **kwargs: t.Any) -> None:
        return None


def ask(url: str, data: Mapping[str, str], timeout: float) -> dict[str, t.Any]:
    """Send a form by POST, and read the JSON object that is answered.

    :param url: by http or https.
    :param data: the fields of the form.
    :param timeout: for how many seconds the server may be silent, and may take for the body.
    :raise CaptchaUnavailable: there was no such answer; the text has nothing of what was sent.
    """
    headers = {"Accept": "application/json", "User-Agent": "erlen"}
    request = urllib.request.Request(url, urlencode(data).encode(), headers)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as answer:
            content = _read(answer, time.monotonic() + timeout)
        found = json.loads(content)
    except HTTPError as error:
        error.close()
        raise CaptchaUnavailable(f"{url} answered with the status {error.code}") from error
    except (OSError, HTTPException) as error:
        raise CaptchaUnavailable(
            f"{url} cannot be reached: {error or type(error).__name__}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise CaptchaUnavailable(f"{url} did not answer with JSON") from error
    if not isinstance(found, dict):
        raise CaptchaUnavailable(f"{url} did not answer with a JSON object")
    return found


def _read(answer: HTTPResponse, deadline: float) -> bytes:
    content = b""
    while part := answer.read1(MOST_BYTES):
        content += part
        if len(content) > MOST_BYTES:
            raise OSError("the answer is too long")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer takes too long")
    return content
