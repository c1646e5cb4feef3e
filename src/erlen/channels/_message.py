"""What is published."""

from __future__ import annotations

import typing as t

import msgspec

from ..sse import Event

#: An id as it is compared: milliseconds since 1970, and a count within one.
Position: t.TypeAlias = tuple[int, int]


class ChannelError(ConnectionError):
    """Raised where Redis cannot be reached, so that a message was not published for sure."""


class Message:
    """What a subscriber gets.

    :param topic: what it was published to.
    :param json: the value that was published, as JSON. Send it on as it is, that is cheapest.
    :param id: its place in the topic's history; None where no history is kept.
    """

    __slots__ = ("_event", "id", "json", "position", "topic")

    def __init__(self, topic: str, json: str, id: str | None = None) -> None:
        self.topic = topic
        self.json = json
        self.id = id
        self.position = None if id is None else position_of(id)
        self._event: Event | None = None

    def __repr__(self) -> str:
        return f"<Message {self.id or ''} to {self.topic!r}: {self.json}>"

    @property
    def data(self) -> t.Any:
        """The value that was published, read anew from JSON each time: it is the reader's."""
        return msgspec.json.decode(self.json)

    def to_event(self) -> Event:
        """Make the server-sent event of it, with its id; a text is sent as it is.

        It is made once for all subscribers.
        """
        if self._event is None:
            data = self.data
            self._event = Event(data if isinstance(data, str) else self.json, id=self.id)
        return self._event


def position_of(id: str) -> Position | None:
    """Read an id, which may be a stranger's; None for what is none.

    Source: https://redis.io/docs/latest/develop/data-types/streams/#entry-ids
    """
    time, _, count = id.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 20 for part in (time, count)):
        return None
    return int(time), int(count)
