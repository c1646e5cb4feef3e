"""``erlen new``: a project to begin with."""

from .command import new_command as new_command
