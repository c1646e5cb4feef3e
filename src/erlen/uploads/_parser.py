"""Forms whose files go straight into the storage of an upload set."""

from __future__ import annotations

import typing as t
from functools import partial

from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.sansio.multipart import File

from ..globals import current_app, request
from ._intake import Intake
from ._sets import RECEIVES, UploadSet

# Larger pieces than Werkzeug's, where the limit of a form's memory allows them.
_PIECE = 256 * 1024


def prepare_parser(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    """Give the request its parser, before any hook can read the form; a URL preprocessor."""
    view = current_app.view_functions.get(endpoint or "")
    # A method of a class-based view may be marked by itself.
    method = getattr(getattr(view, "view_class", None), request.method.lower(), None)
    fields: dict[str, UploadSet] = getattr(view, RECEIVES, {}) | getattr(method, RECEIVES, {})
    if fields:
        # Werkzeug calls it with options, as it would the class.
        request.form_data_parser_class = t.cast(t.Any, partial(_FormParser, fields))


class _FormParser(FormDataParser):
    """Werkzeug's parser; of a multipart form, the files of some fields go to upload sets.

    :param fields: those fields, each with its set.
    """

    def __init__(self, fields: dict[str, UploadSet], *args: t.Any, **options: t.Any) -> None:
        super().__init__(*args, **options)
        self.fields = fields

    def parse(
        self,
        stream: t.IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> t.Any:
        """Parse a form; of one that ends too soon nothing is left."""
        if mimetype != "multipart/form-data":
            return super().parse(stream, mimetype, content_length, options)
        parser = _PartParser(self)
        try:
            boundary = (options or {}).get("boundary", "").encode("ascii")
            if not boundary:
                raise ValueError("Missing boundary")
            return stream, *parser.parse(stream, boundary, content_length)
        except BaseException as error:
            for intake in parser.intakes:
                intake.close()
            if isinstance(error, ValueError) and self.silent:
                return stream, self.cls(), self.cls()
            raise


class _PartParser(MultiPartParser):
    """Knows the field that a file belongs to."""

    def __init__(self, form: _FormParser) -> None:
        memory = form.max_form_memory_size
        super().__init__(
            stream_factory=form.stream_factory,
            max_form_memory_size=memory,
            cls=form.cls,
            buffer_size=_PIECE if memory is None else max(1, min(_PIECE, memory // 2)),
            max_form_parts=form.max_form_parts,
        )
        self.fields = form.fields
        self.intakes: list[Intake] = []

    def start_file_streaming(self, event: File, total_content_length: int | None) -> t.IO[bytes]:
        """Begin a file of a field, or leave it to Werkzeug; an empty field is a file unnamed."""
        upload_set = self.fields.get(event.name)
        if upload_set is None or not event.filename:
            return super().start_file_streaming(event, total_content_length)
        intake = upload_set.receive(
            FileStorage(None, event.filename, event.name, headers=event.headers)
        )
        self.intakes.append(intake)
        return t.cast(t.IO[bytes], intake)
