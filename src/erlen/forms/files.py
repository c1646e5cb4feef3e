"""Fields and validators for uploaded files."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterable, Sequence

import wtforms
from werkzeug.datastructures import FileStorage
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, StopValidation, ValidationError


class UploadSet(t.Protocol):
    """What tells by a file and its name whether it may be uploaded, as Flask-Uploads' sets do."""

    def file_allowed(self, storage: FileStorage, basename: str, /) -> bool:
        """Tell whether the file may be uploaded."""
        ...


def _uploads(values: Iterable[t.Any]) -> list[FileStorage]:
    """Leave out text, and the nameless file that a browser sends where none was chosen."""
    return [value for value in values if isinstance(value, FileStorage) and value]


def _files_of(field: wtforms.Field) -> list[FileStorage]:
    data = field.data
    return _uploads(data if isinstance(data, list) else [data])


def keep_files_out(field: wtforms.Field) -> None:
    """Let a field of text see no files: validators of text end in errors of their own with them.

    A field of somebody else's that looks into what was sent by itself is left alone.
    """
    module: str = type(field).process_formdata.__module__
    if isinstance(field, wtforms.FileField) or not module.startswith(("wtforms.", "erlen.forms.")):
        return
    process_formdata = field.process_formdata

    def process_text(valuelist: list[t.Any]) -> None:
        field.raw_data = [value for value in valuelist if not isinstance(value, FileStorage)]
        process_formdata(field.raw_data)

    field.process_formdata = process_text  # type: ignore[method-assign]  # of this one field


class FileField(wtforms.FileField):
    """A field for one file; its data is a Werkzeug ``FileStorage``, or None."""

    def process_formdata(self, valuelist: list[t.Any]) -> None:
        files = _uploads(valuelist)
        if files:
            self.data = files[0]
        else:
            self.raw_data = []


class MultipleFileField(wtforms.MultipleFileField):
    """A field for files; its data is a list of Werkzeug ``FileStorage``, or None."""

    def process_formdata(self, valuelist: list[t.Any]) -> None:
        files = _uploads(valuelist)
        if files:
            self.data = files
        else:
            self.raw_data = []


class FileRequired(DataRequired):
    """Demand that a file was chosen.

    :param message: what is told where there is none.
    """

    def __call__(self, form: BaseForm, field: wtforms.Field) -> None:
        if not _files_of(field):
            raise StopValidation(self.message or field.gettext("This field is required."))


class FileAllowed:
    """Take files by the extensions of their names, and tell the browser to offer these only.

    A name is what the sender says: look into the content where it matters.

    :param upload_set: extensions without dot, such as ``["jpg", "png"]``, or a set as
        Flask-Uploads has them.
    :param message: what is told where a file has another.
    """

    def __init__(self, upload_set: Sequence[str] | UploadSet, message: str | None = None) -> None:
        if isinstance(upload_set, str):
            raise TypeError(
                f"FileAllowed takes a list of extensions: FileAllowed([{upload_set!r}])."
            )
        self.upload_set = upload_set
        self.message = message
        self.field_flags: dict[str, t.Any] = {}
        if isinstance(upload_set, Iterable):
            self.field_flags["accept"] = ",".join(f".{it}" for it in upload_set)

    def __call__(self, form: BaseForm, field: wtforms.Field) -> None:
        for file in _files_of(field):
            name = (file.filename or "").lower()
            if not isinstance(self.upload_set, Iterable):
                if not self.upload_set.file_allowed(file, name):
                    message = field.gettext("File does not have an approved extension.")
                    raise StopValidation(self.message or message)
            elif not any(name.endswith(f".{it.lower()}") for it in self.upload_set):
                message = field.gettext("File does not have an approved extension: {extensions}")
                message = message.format(extensions=", ".join(self.upload_set))
                raise StopValidation(self.message or message)


class FileSize:
    """Take files of some sizes.

    :param max_size: largest size in bytes.
    :param min_size: smallest size in bytes.
    :param message: what is told where a file has another.
    """

    def __init__(self, max_size: int, min_size: int = 0, message: str | None = None) -> None:
        self.max_size = max_size
        self.min_size = min_size
        self.message = message

    def __call__(self, form: BaseForm, field: wtforms.Field) -> None:
        for file in _files_of(field):
            if not self.min_size <= _size_of(file) <= self.max_size:
                message = field.gettext("File must be between {min_size} and {max_size} bytes.")
                message = message.format(min_size=self.min_size, max_size=self.max_size)
                raise ValidationError(self.message or message)


def _size_of(file: FileStorage) -> int:
    """Return a file's size in bytes, without reading it."""
    stream = file.stream
    if not stream.seekable():
        raise TypeError(
            f"FileSize asks a stream for its end, but {type(stream).__name__} cannot seek."
        )
    position = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(position)
    return size


file_required = FileRequired
file_allowed = FileAllowed
file_size = FileSize
