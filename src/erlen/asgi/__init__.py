"""The second door to an app: ASGI, with WebSockets, lifespan and background tasks."""

from .body import stream_body as stream_body
from .door import handle as handle
from .pool import run_sync as run_sync
from .websocket import WebSocket as WebSocket
from .websocket import WebSocketClosed as WebSocketClosed
