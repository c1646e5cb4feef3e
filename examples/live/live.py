"""A page that is told things live: what one visitor writes, all see at once.

Several processes see each other's with CHANNELS_URL=redis://… in the environment.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from erlen import Flask, abort, render_template, request
from erlen.channels import Channels
from erlen.sse import EventStream, last_event_id

MOST_CHARACTERS = 280

app = Flask(__name__)
app.config.update(
    CHANNELS_URL=os.environ.get("CHANNELS_URL", "memory://"),
    CHANNELS_PREFIX="live",
    CHANNELS_HISTORY=50,
)
channels = Channels(app)


@app.get("/")
def page() -> str:
    return render_template("live.html", most=MOST_CHARACTERS)


@app.get("/events")
def events() -> EventStream:
    """Tell what is kept, or what has come since the browser was here, and then what comes."""
    return EventStream(channels.subscribe("notes", after=last_event_id() or "0-0"), retry=1000)


@app.post("/notes")
def add() -> tuple[str, int]:
    text = request.form.get("text", "").strip()
    if not 0 < len(text) <= MOST_CHARACTERS:
        abort(400, f"A note has 1 to {MOST_CHARACTERS} characters.")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    channels.publish("notes", {"text": text, "at": at})
    return "", 204
