"""Forms made from models: msgspec Structs, dataclasses and SQLAlchemy's mapped classes."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Collection, Mapping

import msgspec
import msgspec.inspect as kinds
from wtforms.fields.core import UnboundField

from ._columns import columns_of
from .field_types import EntryList, FieldTypes, Wanted
from .fields import Field, FormField
from .form import Form


class ModelForm(Form):
    """A form that :func:`form_for` made."""

    #: The class that it was made for.
    model: t.ClassVar[type]

    def create_obj(self, **more: t.Any) -> t.Any:
        """Make an object of the model from what is in the fields, once they are validated.

        To change an object that is there already, use ``populate_obj(obj)``.

        :param more: values for what has no field, by name.
        :return: a Struct or dataclass, or a mapped object that is in no session yet.
        :raise msgspec.ValidationError: a Struct or dataclass does not take it after all, as its
            ``__post_init__`` may say.
        """
        data = more
        wanted = {it.name: it for it in wanted_fields(self.model)}
        for name, field in self._fields.items():
            if name in wanted and not _is_left_to_the_model(field, wanted[name]):
                data[wanted[name].key] = _value_of(field)
        if _is_mapped(self.model):
            return self.model(**data)
        return msgspec.convert(data, self.model)

    def populate_obj(self, obj: object) -> None:
        """Set an object's attributes to what is in the fields; see WTForms.

        An empty field of a column that has a default of its own leaves the attribute as it is.
        """
        wanted = {it.name: it for it in wanted_fields(self.model)}
        for name, field in self._fields.items():
            if name not in wanted or not _is_left_to_the_model(field, wanted[name]):
                field.populate_obj(obj, name)


def _is_left_to_the_model(field: Field, wanted: Wanted) -> bool:
    return wanted.has_own_default and field.data in (None, "")


def _value_of(field: Field) -> t.Any:
    """Return what a field has for a model: objects where there are forms inside."""
    if isinstance(field, FormField) and isinstance(field.form, ModelForm):
        return field.form.create_obj()
    if isinstance(field, EntryList):
        return [_value_of(entry) for entry in field.filled()]
    return field.data


def form_for(
    model: type,
    *,
    only: Collection[str] | None = None,
    exclude: Collection[str] = (),
    fields: Mapping[str, t.Any] | None = None,
    field_types: FieldTypes | None = None,
    base: type[ModelForm] = ModelForm,
) -> type[ModelForm]:
    """Make the class of a form that has a field for each field of a model.

    :param model: a msgspec Struct, a dataclass, or a class mapped by SQLAlchemy, of which primary
        and foreign keys are left out unless ``only`` names them.
    :param only: names of the fields wanted. Default: all.
    :param exclude: names of fields left out.
    :param fields: fields to take instead of those that the types make, and further ones.
    :param field_types: what makes fields of types. Default: a :class:`FieldTypes` as it comes.
    :param base: the class to derive from.
    :raise TypeError: the model is none of these, or a type in it has no field.
    :raise ValueError: ``only`` or ``exclude`` names what the model does not have.
    """
    wanted = wanted_fields(model)
    names = [it.name for it in wanted]
    if unknown := sorted({*(only or ()), *exclude} - {*names}):
        raise ValueError(
            f"{model.__name__} has no field {unknown[0]!r}. It has: {', '.join(names)}."
        )
    given = dict(fields or {})
    maker = _FormMaker(field_types or FieldTypes(), base)
    made: dict[str, t.Any] = {}
    for it in wanted:
        is_wanted = it.name in only if only is not None else not it.is_key
        if it.name in given:
            made[it.name] = given.pop(it.name)
        elif is_wanted and it.name not in exclude:
            made[it.name] = maker.field(model, it, (model,))
    return maker.form(model, {**made, **given})


@dataclasses.dataclass
class _FormMaker:
    """Makes forms of models, and of models inside of models."""

    field_types: FieldTypes
    base: type[ModelForm]

    def form(self, model: type, made: Mapping[str, t.Any]) -> type[ModelForm]:
        for field in made.values():
            # WTForms sorts fields by when they were made.
            UnboundField.creation_counter += 1
            field.creation_counter = UnboundField.creation_counter
        return type(f"{model.__name__}Form", (self.base,), {**made, "model": model})

    def field(self, model: type, wanted: Wanted, around: tuple[type, ...]) -> t.Any:
        """Make one field.

        :param around: the model, and those that it is inside of.
        """

        def inner_form(inner: type) -> type[ModelForm]:
            if inner in around:
                raise TypeError(
                    f"{inner.__name__} contains itself, and a form for it would have no end:"
                    f" leave {wanted.name!r} out with exclude=…, or give a field with fields={{…}}."
                )
            specs = wanted_fields(inner)
            return self.form(
                inner, {it.name: self.field(inner, it, (*around, inner)) for it in specs}
            )

        made = self.field_types.make(wanted, inner_form)
        if made is None:
            shown = getattr(wanted.kind, "cls", None) or type(wanted.kind)
            optional = "optional " if wanted.is_optional else ""
            raise TypeError(
                f"No field is known for {model.__name__}.{wanted.name}, whose type is"
                f" {optional}{shown.__name__}: leave it out with exclude=…, give a field with"
                " fields={…}, or register one in a FieldTypes."
            )
        return made


def wanted_fields(model: type) -> list[Wanted]:
    """Tell which fields a model wants.

    :raise TypeError: it is no model.
    """
    if _is_mapped(model):
        return columns_of(model)
    is_class = isinstance(model, type)
    if not is_class or not (issubclass(model, msgspec.Struct) or dataclasses.is_dataclass(model)):
        raise TypeError(
            "form_for takes a msgspec Struct, a dataclass or a class mapped by SQLAlchemy, not"
            f" {model!r}."
        )
    info = t.cast("kinds.StructType | kinds.DataclassType", kinds.type_info(model))
    return [_wanted(field) for field in info.fields]


def _is_mapped(model: type) -> bool:
    return hasattr(model, "__mapper__")


def _wanted(field: kinds.Field) -> Wanted:
    wanted = Wanted(field.name, field.type, _default_of(field), key=field.encode_name)
    _unwrap(wanted)
    return wanted


def _unwrap(wanted: Wanted) -> None:
    """Take ``Annotated[…, Meta(title=…)]`` and ``… | None`` off a type, in any order."""
    kind = wanted.kind
    if isinstance(kind, kinds.Metadata):
        about = kind.extra_json_schema or {}
        wanted.options["label"] = about.get("title")
        wanted.options["description"] = about.get("description", "")
        wanted.kind = kind.type
    elif isinstance(kind, kinds.UnionType):
        inner = tuple(it for it in kind.types if not isinstance(it, kinds.NoneType))
        wanted.is_optional = len(inner) < len(kind.types)
        if len(inner) != 1:
            return  # No field is known for a choice of types.
        wanted.kind = inner[0]
    else:
        return
    _unwrap(wanted)


def _default_of(field: kinds.Field) -> dict[str, Callable[[], t.Any] | t.Any]:
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default": field.default_factory}
    return {} if field.default is msgspec.NODEFAULT else {"default": field.default}
