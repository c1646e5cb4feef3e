"""Sets meet an application: configuration, serving, forms."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterable

from ..typing import App
from ._config import UploadConfiguration, addslash, check_size, join_destination
from ._content import import_puremagic
from ._groups import listed
from ._parser import prepare_parser
from ._serve import uploads_mod
from ._sets import UploadSet


def configure_uploads(app: App, upload_sets: UploadSet | Iterable[UploadSet]) -> None:
    """Read the sets' settings from an application's configuration, and make them known to it.

    For a set named ``photos``, ``UPLOADED_PHOTOS_DEST`` is the folder or the URL of an object
    storage, ``_URL`` where the files are served, ``_ALLOW`` and ``_DENY`` are extensions,
    ``_MAX_SIZE`` is the most bytes of a file, ``_STORE_OPTIONS`` a dict for obstore.
    ``UPLOADS_DEFAULT_DEST``, ``UPLOADS_DEFAULT_URL`` and ``UPLOADS_DEFAULT_STORE_OPTIONS`` are
    for sets without their own. ``UPLOADS_AUTOSERVE`` lets the application serve the files.

    :param app: the application, already configured.
    :param upload_sets: the sets; it may be called again with others.
    :raises RuntimeError: a set has no destination.
    :raises TypeError, ValueError: a setting cannot be what it is; the message names it.
    :raises ModuleNotFoundError: a library is missing; the message names the extra.
    """
    sets = [upload_sets] if isinstance(upload_sets, UploadSet) else list(upload_sets)
    if any(upload_set.check_content for upload_set in sets):
        import_puremagic()  # Here, not with the first upload.
    defaults = {
        "dest": app.config.get("UPLOADS_DEFAULT_DEST"),
        "url": app.config.get("UPLOADS_DEFAULT_URL"),
    }
    if "uploads" not in app.extensions:
        app.extensions["uploads"] = app.upload_set_config = {}
        app.url_value_preprocessor(prepare_parser)
    configs: dict[str, UploadConfiguration] = app.extensions["uploads"]
    for upload_set in sets:
        configs[upload_set.name] = config_for_set(upload_set, app, defaults)
        _warn_of_ephemeral_disk(app, upload_set.name, configs[upload_set.name])
    if (
        app.config.get("UPLOADS_AUTOSERVE", False)
        and "_uploads" not in app.blueprints
        and any(config.base_url is None for config in configs.values())
    ):
        app.register_blueprint(uploads_mod)


def config_for_set(
    uset: UploadSet, app: App, defaults: dict[str, t.Any] | None = None
) -> UploadConfiguration:
    """Read one set's settings from an application's configuration.

    :param uset: the set.
    :param app: the application.
    :param defaults: ``dest`` and ``url`` for a set without its own. Default: none.
    :raises RuntimeError: the set has no destination.
    :raises TypeError, ValueError: a setting cannot be what it is; the message names it.
    """
    defaults = defaults or {}
    prefix = f"UPLOADED_{uset.name.upper()}_"
    base_url = app.config.get(f"{prefix}URL")
    destination = app.config.get(f"{prefix}DEST")
    if destination is None and uset.default_dest is not None:
        destination = uset.default_dest(app)
    if destination is None:
        if defaults.get("dest") is None:
            raise RuntimeError(
                f"no destination for set {uset.name}: set {prefix}DEST or UPLOADS_DEFAULT_DEST"
            )
        destination = join_destination(os.fspath(defaults["dest"]), uset.name)
        if base_url is None and defaults.get("url") is not None:
            base_url = f"{addslash(defaults['url'])}{uset.name}/"
    options = app.config.get("UPLOADS_DEFAULT_STORE_OPTIONS")
    allow, deny = (
        t.cast("Iterable[str]", listed(app.config.get(key, ()), key))
        for key in (f"{prefix}ALLOW", f"{prefix}DENY")
    )
    check_size(app.config.get(f"{prefix}MAX_SIZE"), f"{prefix}MAX_SIZE")
    return UploadConfiguration(
        os.fspath(destination),
        base_url,
        allow,
        deny,
        app.config.get(f"{prefix}MAX_SIZE", uset.max_size),
        app.config.get(f"{prefix}STORE_OPTIONS", options),
    )


def patch_request_class(app: App, size: int | None = 64 * 1024 * 1024) -> None:
    """Limit how many bytes a whole request may have, by ``MAX_CONTENT_LENGTH``.

    :param app: the application.
    :param size: the limit; None to leave the setting as it is.
    """
    if size is not None:
        app.config["MAX_CONTENT_LENGTH"] = size


def _warn_of_ephemeral_disk(app: App, name: str, config: UploadConfiguration) -> None:
    """Warn where files are lost: Heroku's disks are emptied with every restart and deploy.

    https://devcenter.heroku.com/articles/dynos#ephemeral-filesystem
    """
    if config.is_local and os.environ.get("DYNO"):
        app.logger.warning(
            "Uploads of the set %r are kept in %s, on a disk that Heroku empties at least once a"
            " day. Keep them in an object storage: UPLOADED_%s_DEST = 's3://bucket/prefix'.",
            name,
            config.destination,
            name.upper(),
        )
