"""Serving in production: the command ``erlen serve``, on granian."""

from __future__ import annotations

from .command import serve_command as serve_command
