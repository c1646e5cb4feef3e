"""Catalogs of an app's messages, made and kept up to date: the commands ``erlen translate``."""

from __future__ import annotations

from .command import translate_command as translate_command
