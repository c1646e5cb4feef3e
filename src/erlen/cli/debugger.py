"""The debugger in the browser: Werkzeug's, with exception groups, for loopback unless told."""

from __future__ import annotations

import re
import socket
import typing as t
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from markupsafe import Markup
from werkzeug.debug import DebuggedApplication
from werkzeug.debug.tbtools import DebugFrameSummary, DebugTraceback
from werkzeug.utils import cached_property
from werkzeug.wrappers import Response

from ..typing import StartResponse, WSGIApplication, WSGIEnvironment

# As many members of an exception group as Python itself prints.
_MAX_MEMBERS = 15

_IPV6_HOST = re.compile(r"(\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server there: a loopback address or a unix socket.

    :param host: an address, a name, or ``unix://`` and a path. A name is looked up.
    """
    if host.startswith("unix://"):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    # The part behind "%" is the network interface of an IPv6 address.
    return all(ip_address(str(info[4][0]).partition("%")[0]).is_loopback for info in found)


class GroupTraceback(DebugTraceback):
    """A traceback that shows the members of exception groups, each frame with its console."""

    def __init__(
        self,
        exc: BaseException,
        *,
        skip: int = 0,
        hide: bool = True,
        seen: set[int] | None = None,
    ) -> None:
        super().__init__(exc, skip=skip, hide=hide)
        # A member may well lead back to a group around it.
        seen = set() if seen is None else seen
        self._groups: list[tuple[BaseExceptionGroup[t.Any], list[GroupTraceback]]] = []
        for group in _chained_groups(exc, seen):
            shown = group.exceptions[:_MAX_MEMBERS]
            members = [GroupTraceback(member, hide=hide, seen=seen) for member in shown]
            self._groups.append((group, members))

    @cached_property
    def all_frames(self) -> list[DebugFrameSummary]:
        """Its own frames, then those of the members: the debugger finds a console by this list."""
        frames = [frame for _, te in self.all_tracebacks for frame in te.stack]
        for _, members in self._groups:
            for member in members:
                frames.extend(member.all_frames)
        return t.cast("list[DebugFrameSummary]", frames)

    def render_traceback_html(self, include_title: bool = True) -> str:
        """The frames and the message, and the same of each member below."""
        parts = [super().render_traceback_html(include_title)]
        for group, members in self._groups:
            count = len(group.exceptions)
            for number, member in enumerate(members, 1):
                heading = Markup(
                    '<div class="exc-divider">Sub-exception {} of {} in {}:</div>'
                ).format(number, count, type(group).__name__)
                parts.append(f"{heading}\n{member.render_traceback_html(include_title=False)}")
            if count > len(members):
                more = f"and {count - len(members)} more exceptions"
                parts.append(f'<div class="exc-divider">{more}</div>')
        return "\n".join(parts)


def _chained_groups(exc: BaseException, seen: set[int]) -> Iterator[BaseExceptionGroup[t.Any]]:
    """The groups among an exception and those that led to it, as a traceback follows them."""
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, BaseExceptionGroup):
            yield current
        if current.__cause__ is not None or current.__suppress_context__:
            current = current.__cause__
        else:
            current = current.__context__


class Debugger(DebuggedApplication):
    """Answers an unhandled exception with a page: traceback, source, a console in each frame.

    The console wants the PIN, and both answer only hosts that are trusted.

    :param app: the application to watch.
    :param evalex: whether there is a console.
    :param trusted_hosts: names and addresses that a browser may ask for beside ``localhost`` and
        ``127.0.0.1``; a leading dot takes the names below it too.
    """

    def __init__(
        self, app: WSGIApplication, evalex: bool = True, trusted_hosts: Iterable[str] = ()
    ) -> None:
        super().__init__(app, evalex=evalex)
        self.trusted_hosts += [*trusted_hosts, "[::1]"]

    def check_host_trust(self, environ: WSGIEnvironment) -> bool:
        """Whether the ``Host`` that the client asked for is trusted."""
        if super().check_host_trust(environ):
            return True
        # Werkzeug's comparison ends a trusted name at its first colon, so no IPv6 address passes.
        address = _IPV6_HOST.fullmatch(environ.get("HTTP_HOST", ""))
        return address is not None and address[1].lower() in self.trusted_hosts

    def debug_application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterator[bytes]:
        """Run the application; where it raises, keep the frames and answer with the page."""
        # Overridden as a whole: Werkzeug names the class of the traceback in the middle of it.
        contexts: list[t.ContextManager[t.Any]] = []
        if self.evalex:
            environ["werkzeug.debug.preserve_context"] = contexts.append

        body: t.Any = None
        try:
            body = self.app(environ, start_response)
            yield from body
            if hasattr(body, "close"):
                body.close()
        except Exception as error:
            if hasattr(body, "close"):
                body.close()
            traceback = GroupTraceback(error, skip=1, hide=not self.show_hidden_frames)
            for frame in traceback.all_frames:
                self.frames[id(frame)] = frame
                self.frame_contexts[id(frame)] = contexts
            page = traceback.render_debugger_html(
                evalex=self.evalex and self.check_host_trust(environ),
                secret=self.secret,
                evalex_trusted=bool(self.check_pin_trust(environ)),
            )
            try:
                yield from Response(page, status=500, mimetype="text/html")(environ, start_response)
            except Exception:
                # start_response refuses: a part of the application's own answer is on its way.
                environ["wsgi.errors"].write(
                    "Debugging middleware caught exception in streamed response at a point where"
                    " response headers were already sent.\n"
                )
            environ["wsgi.errors"].write(traceback.render_traceback_text())
