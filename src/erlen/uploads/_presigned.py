"""Uploads that clients send to an object storage themselves, by a pre-signed URL."""

from __future__ import annotations

import secrets
import typing as t

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from ..globals import current_app
from ._errors import BadTicket
from ._storage import INCOMING, STALE


class PresignedUpload(t.NamedTuple):
    """Where a client sends its file, and what it brings back afterwards."""

    #: The URL that takes one PUT with the file as its body, until it expires.
    url: str
    #: What names the file to ``accept_upload``; it can be read, but not forged.
    ticket: str


class Ticket(t.NamedTuple):
    """What a ticket says."""

    set_name: str
    key: str
    filename: str


def new_ticket(set_name: str, filename: str) -> Ticket:
    """Make a ticket for a file that is yet to come, under a key that nobody can guess."""
    return Ticket(set_name, f"{INCOMING}/{secrets.token_hex(16)}", filename)


def write_ticket(ticket: Ticket) -> str:
    """Sign a ticket."""
    signed = _serializer().dumps(list(ticket))
    return signed if isinstance(signed, str) else signed.decode()


def read_ticket(text: str, set_name: str) -> Ticket:
    """Read a ticket that was signed for a set, at most a day ago.

    :raises BadTicket: it was not.
    """
    try:
        ticket = Ticket(*_serializer().loads(text, max_age=STALE))
    except SignatureExpired:
        raise BadTicket("This upload was begun too long ago. Please begin anew.") from None
    except BadSignature:
        raise BadTicket("The ticket of this upload was not made here.") from None
    if ticket.set_name != set_name:
        raise BadTicket("The ticket of this upload was made for other files.")
    return ticket


def _serializer() -> URLSafeTimedSerializer:
    app: t.Any = current_app
    if not app.secret_key:
        raise RuntimeError("Tickets are signed: the application needs a SECRET_KEY.")
    # itsdangerous signs with the last key.
    keys = [*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key]
    return URLSafeTimedSerializer(keys, salt="erlen.uploads")
