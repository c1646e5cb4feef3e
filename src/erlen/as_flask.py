"""Importing this module makes ``flask`` another name for ``erlen``.

After ``import erlen.as_flask``, ``flask`` and every ``flask.x`` are the modules ``erlen`` and
``erlen.x`` themselves, so applications and extensions written for Flask run unmodified. It must
come before anything that imports flask. Other ways in: ``pytest -p erlen.as_flask``,
``gunicorn "erlen.as_flask:load('hello:app')"``, and ``ERLEN_AS_FLASK=1`` in the environment.
"""

from __future__ import annotations

from _erlen_as_flask import install

from .typing import App

install()


def load(target: str) -> App:
    """Import an application written for Flask, to name it in a server's command line.

    :param target: where the application is, as the ``--app`` option takes it: ``"hello"``,
        ``"hello:app"`` or ``"hello:create_app('production')"``.
    :return: the application.
    :raises erlen.cli.NoAppException: the module cannot be imported or holds no such application.
    """
    # A downward import that the alias alone does not need: erlen itself loads the CLI when asked.
    from .cli import locate_app, prepare_import

    module_name, _, app_name = target.partition(":")
    return locate_app(prepare_import(module_name), app_name or None)
