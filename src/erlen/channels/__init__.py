"""Channels: what one part of an app publishes, many WebSockets and event streams get."""

from ._extension import Channels as Channels
from ._extension import Published as Published
from ._message import ChannelError as ChannelError
from ._message import Message as Message
from ._subscription import Subscription as Subscription
