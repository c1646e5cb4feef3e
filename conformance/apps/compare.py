"""Answers as text, without what must differ, and where two of them differ."""

from __future__ import annotations

import base64
import difflib
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_LINES = 40  # of one difference that are shown
WIDTH = 300  # of a line that is shown whole


@dataclass(frozen=True)
class Normalisation:
    """What must differ between two runs of one program, and what stands for it.

    :param name: stands in the report.
    :param reason: why the two cannot agree.
    :param pattern: matches it in the text of an answer.
    :param replacement: as :func:`re.sub` takes it.
    """

    name: str
    reason: str
    pattern: str
    replacement: str | Callable[[re.Match[str]], str]


def readable_session(found: re.Match[str]) -> str:
    """What a signed session says, without its time and signature."""
    payload, *signed = found[1].rsplit(".", 2)
    packed = payload.removeprefix(".")
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        text = (zlib.decompress(raw) if payload.startswith(".") else raw).decode()
    except (ValueError, zlib.error):
        return found[0]
    return f"session={text}<time and signature>" if len(signed) == 2 else found[0]


#: What must differ whatever the application is.
OF_SERVERS = (
    Normalisation(
        "date",
        "the server's clock",
        r"(?mi)^(Date): \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$",
        r"\1: <date>",
    ),
    Normalisation(
        "allow",
        "the methods of a URL are a set, whose order is another in each process",
        r"(?mi)^(Allow: )(.*)$",
        lambda found: found[1] + ", ".join(sorted(found[2].split(", "))),
    ),
    Normalisation(
        "length",
        "granian puts the length of an empty body last where the body is a list, as erlen's is",
        r"(?m)^(content-length: 0)\n((?:.+\n)*)",
        r"\2\1\n",
    ),
)
SESSION = Normalisation(
    "session",
    "a session is signed together with the time; what it says is compared",
    r"session=([\w.-]+)",
    readable_session,
)
#: Those of WTForms; after SESSION.
CSRF = (
    Normalisation(
        "CSRF secret",
        "each session draws one",
        r'"csrf_token":"[0-9a-f]{40}"',
        '"csrf_token":<secret>',
    ),
    Normalisation(
        "CSRF token",
        "a token is signed together with the time, its session's secret in it",
        r'(name="csrf_token" type="hidden" value=)"I[\w-]{50,60}\.[\w-]{6}\.[\w-]{27}"',
        r"\1<token>",
    ),
)


def normalised(
    texts: Iterable[str], normalisations: Sequence[Normalisation], used: Counter[str]
) -> Iterator[str]:
    """The texts with what must differ replaced; counts in ``used`` how often each was needed."""
    for text in texts:
        for normalisation in normalisations:
            text, times = re.subn(normalisation.pattern, normalisation.replacement, text)
            used[normalisation.name] += times
        yield text


def differences(
    flask: Sequence[str], erlen: Sequence[str], normalisations: Sequence[Normalisation]
) -> list[str]:
    """Where the two sides differ, each as the lines of a diff; empty where they agree.

    One of the application's normalisations that neither side needed is reported too, so that the
    list of them stays true.

    :param flask: the answers of Flask as text, in order.
    :param erlen: erlen's.
    :param normalisations: the application's, applied to both in order, after those of servers.
    """
    used: Counter[str] = Counter()
    sides = [
        list(normalised(side, (*OF_SERVERS, *normalisations), used)) for side in (flask, erlen)
    ]
    told = [diff(a, b) for a, b in zip(*sides, strict=False) if a != b]
    if len(flask) != len(erlen):
        told.append(f"Flask gave {len(flask)} answers, erlen {len(erlen)}.")
    told += [
        f"The normalisation {normalisation.name!r} ({normalisation.reason}) was never needed."
        for normalisation in normalisations
        if not used[normalisation.name]
    ]
    return told


def diff(flask: str, erlen: str) -> str:
    """Two texts that differ, as a diff under their first line."""
    sides = [list(pieces(side)) for side in (flask, erlen)]
    lines = difflib.unified_diff(sides[0], sides[1], "Flask", "erlen", lineterm="", n=2)
    shown = list(lines)
    more = len(shown) - MOST_LINES
    shown[MOST_LINES:] = [f"… and {more} lines more"] if more > 0 else []
    return "\n".join((f"## {flask.partition(chr(10))[0]}", *shown))


def pieces(text: str) -> Iterator[str]:
    """The lines of a text; long ones are cut after commas and tags, that a difference be seen."""
    for line in text.splitlines():
        yield from re.split(r"(?<=[,;>])", line) if len(line) > WIDTH else [line]
