"""What of a Flask project runs on erlen: the command ``erlen doctor``."""

from __future__ import annotations

from .command import doctor_command as doctor_command
