"""SQLAlchemy's columns, told as which fields are wanted."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import msgspec.inspect as kinds
from wtforms.widgets import TextArea

from .field_types import Options, Range, Wanted


def columns_of(model: t.Any) -> list[Wanted]:
    """Tell which fields a mapped class wants: those of its columns, not of its relationships."""
    import sqlalchemy as sa  # a mapped class has brought it

    columns = ((it.key, it.columns[0]) for it in model.__mapper__.column_attrs)
    # A column_property is an expression, and a computed column the database's.
    return [
        _wanted(name, column)
        for name, column in columns
        if isinstance(column, sa.Column) and column.computed is None
    ]


def _wanted(name: str, column: t.Any) -> Wanted:
    default = column.default
    value = default.arg if default is not None and default.is_scalar else None
    kind, options = _kind(column.type)
    return Wanted(
        name=name,
        key=name,
        kind=kind,
        options={
            "label": column.info.get("label"),
            "description": column.doc or "",
            "default": value,
            **options,
        },
        is_optional=bool(column.nullable),
        has_own_default=(default is not None and value is None)
        or column.server_default is not None,
        is_key=bool(column.primary_key or column.foreign_keys),
    )


def _kind(kind: t.Any) -> tuple[t.Any, Options]:
    """Tell a column's type in msgspec's terms, with options for the field.

    :return: the type itself where there are no terms for it, as for one of somebody's own.
    """
    import sqlalchemy as sa  # as above

    if isinstance(kind, sa.types.TypeDecorator):
        return kind, {}
    if isinstance(kind, sa.Enum):
        cls = kind.enum_class
        return kinds.EnumType(cls) if cls else kinds.LiteralType(tuple(kind.enums)), {}
    if isinstance(kind, sa.String):
        options = {"widget": TextArea()} if isinstance(kind, sa.Text) else {}
        return kinds.StrType(max_length=kind.length), options
    if isinstance(kind, sa.Integer):
        bits = {sa.SmallInteger: 16, sa.BigInteger: 64}
        most = 2 ** (next((n for cls, n in bits.items() if isinstance(kind, cls)), 32) - 1)
        return kinds.IntType(ge=-most, lt=most), {}
    if isinstance(kind, (sa.Numeric, sa.Float)):
        return (kinds.DecimalType(), _decimals(kind)) if kind.asdecimal else (kinds.FloatType(), {})
    if isinstance(kind, sa.DateTime):
        return kinds.DateTimeType(tz=kind.timezone), {}
    if isinstance(kind, sa.Time):
        return kinds.TimeType(tz=kind.timezone), {}
    simple: dict[t.Any, t.Any] = {sa.Boolean: kinds.BoolType, sa.Date: kinds.DateType}
    if isinstance(kind, sa.Uuid) and kind.as_uuid:
        return kinds.UUIDType(), {}
    return next((it() for cls, it in simple.items() if isinstance(kind, cls)), kind), {}


def _decimals(kind: t.Any) -> Options:
    """Return the options for a ``Numeric(precision, scale)``: what does not fit is refused."""
    if kind.precision is None:
        return {}
    scale = kind.scale or 0
    most = Decimal((0, (9,) * kind.precision, -scale))
    return {"places": scale, "validators": [Range(-most, most)]}
