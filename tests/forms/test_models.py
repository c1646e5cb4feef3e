"""Forms made from Structs, dataclasses and SQLAlchemy's models."""

from __future__ import annotations

import dataclasses
import re
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    mapped_column,
    relationship,
)
from werkzeug.datastructures import MultiDict

from erlen.forms import (
    BooleanField,
    ColorField,
    FieldTypes,
    IntegerField,
    ModelForm,
    StringField,
    TextAreaField,
    form_for,
)

pytestmark = pytest.mark.erlen_only


class Colour(Enum):
    RED = "r"
    DARK_BLUE = "b"


class Size(StrEnum):
    SMALL = "s"
    LARGE = "l"


class Address(msgspec.Struct):
    city: Annotated[str, Meta(min_length=2)]
    zip: str | None = None


@dataclasses.dataclass
class Person:
    name: Annotated[str, Meta(max_length=5, title="Your name", description="As in the passport")]
    age: Annotated[int, Meta(ge=0, lt=150)]
    address: Address


def fill(form_class: type[ModelForm], data: Any = (), **fields: str) -> Any:
    """Make a form with what somebody sent."""
    return form_class(MultiDict(data or fields), meta={"csrf": False})


def one(kind: Any, sent: str | None, **options: Any) -> Any:
    """Send something to the one field of a Struct; its object, or the field's errors."""
    model = msgspec.defstruct("Model", [("x", kind, *options.values())])
    form = fill(form_for(model), [("x", sent)] if sent is not None else [("other", "")])
    return form.create_obj().x if form.validate() else form.x.errors


class TestTypes:
    @pytest.mark.parametrize(
        ("kind", "sent", "expected"),
        [
            (str, "a", "a"),
            (int, "7", 7),
            (float, "1.5", 1.5),
            (Decimal, "1.50", Decimal("1.50")),
            (bool, "y", True),
            (bool, None, False),
            (date, "2026-02-03", date(2026, 2, 3)),
            (time, "10:20", time(10, 20)),
            (time, "10:20:30", time(10, 20, 30)),
            (datetime, "2026-02-03T10:20", datetime(2026, 2, 3, 10, 20)),
            (datetime, "2026-02-03T10:20:30", datetime(2026, 2, 3, 10, 20, 30)),
            (uuid.UUID, f" {uuid.UUID(int=5)} ", uuid.UUID(int=5)),
            (Colour, "r", Colour.RED),
            (Size, "l", Size.LARGE),
            (Literal["a", 1], "1", 1),
            (Annotated[int, Meta(gt=3)], "4", 4),
            (Annotated[int | None, Meta(title="X")], "4", 4),
        ],
    )
    def test_what_is_sent_becomes(self, kind: Any, sent: str | None, expected: Any) -> None:
        made = one(kind, sent)
        assert (made, type(made)) == (expected, type(expected))

    @pytest.mark.parametrize(
        "kind",
        [str, int, float, Decimal, bool, date, time, datetime, uuid.UUID, Colour, Literal["a"]],
    )
    @pytest.mark.parametrize("sent", ["", None])
    def test_empty_is_none_where_that_may_be(self, kind: Any, sent: str | None) -> None:
        assert one(kind | None, sent) is None

    @pytest.mark.parametrize("kind", [str, int, float, Decimal, date, time, datetime, uuid.UUID])
    @pytest.mark.parametrize("sent", ["", None])
    def test_empty_is_refused_where_it_may_not(self, kind: Any, sent: str | None) -> None:
        assert one(kind, sent) == ["This field is required."]

    @pytest.mark.parametrize(("sent", "expected"), [("true", True), ("false", False)])
    def test_an_optional_bool_is_a_choice_of_three(self, sent: str, expected: bool) -> None:
        assert one(bool | None, sent) is expected

    @pytest.mark.parametrize(
        ("kind", "sent", "message"),
        [
            (int, "x", "Not a valid integer value."),
            (float, "x", "Not a valid float value."),
            (float, "nan", "Not a valid float value."),
            (float, "-inf", "Not a valid float value."),
            (Decimal, "x", "Not a valid decimal value."),
            (Decimal, "NaN", "Not a valid decimal value."),
            (Decimal, "sNaN", "Not a valid decimal value."),
            (int, "9" * 400, "Not a valid integer value."),
            (date, "2026-02-30", "Not a valid date value."),
            (time, "25:00", "Not a valid time value."),
            (datetime, "now", "Not a valid datetime value."),
            (uuid.UUID, "x", "Invalid UUID."),
            (Colour, "RED", "Invalid Choice: could not coerce."),
            (Literal["a"], "b", "Invalid Choice: could not coerce."),
            (Annotated[int, Meta(ge=3)], "2", "Number must be at least 3."),
            (Annotated[int, Meta(gt=3)], "3", "Number must be at least 4."),
            (Annotated[int, Meta(le=3)], "4", "Number must be at most 3."),
            (Annotated[int, Meta(lt=3)], "3", "Number must be at most 2."),
            (Annotated[int, Meta(ge=1, le=3)], "0", "Number must be between 1 and 3."),
            (Annotated[int, Meta(multiple_of=5)], "7", "Number must be a multiple of 5."),
            (Annotated[float, Meta(ge=0.5)], "0.4", "Number must be at least 0.5."),
            (Annotated[float, Meta(gt=0)], "0", "Number must be greater than 0."),
            (Annotated[float, Meta(lt=1)], "1", "Number must be less than 1."),
            (Annotated[float, Meta(multiple_of=0.5)], "0.7", "Number must be a multiple of 0.5."),
            (Annotated[str, Meta(min_length=2)], "a", "Field must be at least 2 characters long."),
            (
                Annotated[str, Meta(max_length=2)],
                "abc",
                "Field cannot be longer than 2 characters.",
            ),
            (Annotated[str, Meta(pattern="^[a-z]+$")], "A", "Invalid input."),
        ],
    )
    def test_what_does_not_fit_is_told(self, kind: Any, sent: str, message: str) -> None:
        assert one(kind, sent) == [message]

    def test_a_pattern_is_searched_as_msgspec_does(self) -> None:
        assert one(Annotated[str, Meta(pattern="b")], "abc") == "abc"

    @pytest.mark.parametrize(
        ("default", "sent", "expected"),
        [("a", "", ""), (5, "", ["This field is required."]), (5, "6", 6)],
    )
    def test_a_default_is_shown_and_may_be_changed(
        self, default: Any, sent: str, expected: Any
    ) -> None:
        assert one(type(default), sent, default=default) == expected
        model = msgspec.defstruct("Model", [("x", type(default), default)])
        assert form_for(model)(None, meta={"csrf": False}).x.data == default  # type: ignore[attr-defined]  # made here

    def test_browsers_are_told_the_limits(self) -> None:
        form = fill(form_for(Person))
        assert 'maxlength="5"' in str(form.name) and "required" in str(form.name)
        assert 'max="149"' in str(form.age) and 'min="0"' in str(form.age)

    @pytest.mark.parametrize(
        ("meta", "limits"),
        [
            (Meta(multiple_of=5), {'step="5"'}),
            (Meta(multiple_of=5, ge=1), {'step="5"', 'min="5"'}),
            (Meta(multiple_of=5, gt=-5, le=10), {'step="5"', 'min="0"', 'max="10"'}),
            (Meta(multiple_of=5, ge=10), {'step="5"', 'min="10"'}),
        ],
    )
    def test_browsers_count_steps_from_a_number_that_is_taken(
        self, meta: Meta, limits: set[str]
    ) -> None:
        form = fill(form_for(msgspec.defstruct("Model", [("x", Annotated[int, meta])])))
        assert set(re.findall(r'(?:step|min|max)="[^"]*"', str(form.x))) == limits

    def test_browsers_do_not_count_steps_of_floats(self) -> None:
        """What they would count from "min" would not be what is taken here."""
        kind = Annotated[float, Meta(multiple_of=0.5, ge=0.25)]
        form = fill(form_for(msgspec.defstruct("Model", [("x", kind)])))
        assert 'step="any"' in str(form.x)

    def test_title_and_description(self) -> None:
        form = fill(form_for(Person))
        assert (form.name.label.text, form.name.description) == ("Your name", "As in the passport")
        assert form.age.label.text == "Age"

    def test_labels_of_an_enum(self) -> None:
        form = fill(form_for(msgspec.defstruct("Model", [("x", Colour)])), x="b")
        assert '<option selected value="b">DARK_BLUE</option>' in str(form.x)


class TestLists:
    class Order(msgspec.Struct):
        tags: list[str]
        sizes: set[Size]
        marks: Annotated[list[int], Meta(min_length=1, max_length=2)]
        addresses: list[Address] = []

    def test_lists_of_texts_choices_and_forms(self) -> None:
        data = [
            ("tags-0", "a"),
            ("tags-1", ""),
            ("tags-2", "b"),
            ("sizes", "s"),
            ("sizes", "l"),
            ("marks-0", "1"),
            ("addresses-0-city", "Ulm"),
            ("addresses-1-city", "Bonn"),
            ("addresses-1-zip", "53111"),
        ]
        form = fill(form_for(self.Order), data)
        assert form.validate(), form.errors
        assert form.create_obj() == self.Order(
            ["a", "b"], {Size.SMALL, Size.LARGE}, [1], [Address("Ulm"), Address("Bonn", "53111")]
        )

    def test_errors_inside(self) -> None:
        data = [("tags-0", "a"), ("sizes", "x"), ("marks-0", "x"), ("addresses-0-city", "U")]
        assert fill(form_for(self.Order), data).validate() is False
        form = fill(form_for(self.Order), data)
        form.validate()
        assert form.errors == {
            "sizes": ["Invalid choice(s): one or more data inputs could not be coerced."],
            "marks": [["Not a valid integer value."], "Enter at least 1."],
            "addresses": [{"city": ["Field must be at least 2 characters long."]}],
        }

    def test_too_many(self) -> None:
        data = [("marks-0", "1"), ("marks-1", "2"), ("marks-2", "3")]
        form = fill(form_for(self.Order, only=["marks"]), data)
        assert not form.validate()
        assert form.errors == {"marks": ["Enter at most 2."]}

    def test_there_is_an_empty_row_to_write_into(self) -> None:
        form = form_for(self.Order)(None, meta={"csrf": False})
        assert (len(form.tags), len(form.addresses)) == (1, 0)  # type: ignore[attr-defined]  # made here


class TestObjects:
    def test_a_dataclass_with_a_struct_inside(self) -> None:
        data = {"name": "Ada", "age": "36", "address-city": "Ulm", "address-zip": ""}
        form = fill(form_for(Person), data)
        assert form.validate()
        assert form.create_obj() == Person("Ada", 36, Address("Ulm", None))

    def test_shown_from_an_object_and_written_back(self) -> None:
        ada = Person("Ada", 36, Address("Ulm"))
        form = form_for(Person)(None, obj=ada, meta={"csrf": False})
        assert form.data["name"] == "Ada"
        assert form.data["address"] == {"city": "Ulm", "zip": None}
        form.age.data = 37  # type: ignore[attr-defined]  # made here
        form.populate_obj(ada)
        assert ada == Person("Ada", 37, Address("Ulm"))

    def test_list_written_back(self) -> None:
        class Tagged(msgspec.Struct):
            tags: list[str]

        thing = Tagged(["a"])
        fill(form_for(Tagged), [("tags-0", "b"), ("tags-1", "")]).populate_obj(thing)
        assert thing == Tagged(["b"])

    def test_what_has_no_field_is_given(self) -> None:
        form = fill(form_for(Person, exclude=["address"]), name="Ada", age="36")
        assert form.validate()
        with pytest.raises(msgspec.ValidationError, match="missing required field `address`"):
            form.create_obj()
        assert form.create_obj(address=Address("Ulm")).address.city == "Ulm"

    def test_names_that_the_model_renames(self) -> None:
        class Renamed(msgspec.Struct, rename="camel"):
            first_name: str

        assert fill(form_for(Renamed), first_name="Ada").create_obj() == Renamed("Ada")

    def test_what_post_init_refuses(self) -> None:
        class Even(msgspec.Struct):
            x: int

            def __post_init__(self) -> None:
                if self.x % 2:
                    raise ValueError("odd")

        form = fill(form_for(Even), x="1")
        assert form.validate()
        with pytest.raises(msgspec.ValidationError, match="odd"):
            form.create_obj()


class TestChoosing:
    def test_only_exclude_and_order(self) -> None:
        assert list(fill(form_for(Person))._fields) == ["name", "age", "address"]
        assert list(fill(form_for(Person, only=["age", "name"]))._fields) == ["name", "age"]
        assert list(fill(form_for(Person, exclude=["age"]))._fields) == ["name", "address"]

    def test_fields_given_replace_and_follow(self) -> None:
        given = {"agree": BooleanField(), "age": IntegerField("How old?")}
        form = fill(form_for(Person, fields=given), name="Ada", age="200")
        assert list(form._fields) == ["name", "age", "address", "agree"]
        assert form.age.label.text == "How old?"

    def test_derived(self) -> None:
        class Base(ModelForm):
            note = TextAreaField()

        class PersonForm(form_for(Person, base=Base)):  # type: ignore[misc]  # a class made at run time
            extra = StringField()

            def validate_name(self, field: Any) -> None:
                field.errors.append("No!")

        form = fill(PersonForm, name="Ada", age="1")
        assert {"note", "extra", "name"} <= set(form._fields)
        form.validate()
        assert form.name.errors == ["No!"]

    def test_a_type_of_ones_own(self) -> None:
        field_types = FieldTypes()

        @field_types.register(Paint)
        def paint(wanted: Any, options: Any, inner: Any) -> Any:
            return ColorField(filters=[lambda code: code and Paint(code)], **options)

        form = fill(form_for(Wall, field_types=field_types), paint="#ff0000")
        assert form.validate()
        assert form.create_obj().paint.code == "#ff0000"
        with pytest.raises(TypeError):
            form_for(Wall)

    @pytest.mark.parametrize("names", [{"only": ["nope"]}, {"exclude": ["nope"]}])
    def test_names_that_are_none(self, names: Any) -> None:
        with pytest.raises(ValueError) as caught:
            form_for(Person, **names)
        assert str(caught.value) == "Person has no field 'nope'. It has: name, age, address."

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (dict[str, int], "DictType"),
            (list[dict[str, int]], "ListType"),
            (int | str, "UnionType"),
            (Any, "AnyType"),
            (bytes, "BytesType"),
            (Address | None, "optional Address"),
            (complex, "complex"),
            (Annotated[datetime, Meta(tz=True)], "DateTimeType"),
        ],
    )
    def test_a_type_without_a_field(self, kind: Any, told: str) -> None:
        with pytest.raises(TypeError) as caught:
            form_for(msgspec.defstruct("Model", [("x", kind)]))
        assert str(caught.value) == (
            f"No field is known for Model.x, whose type is {told}: leave it out with exclude=…,"
            " give a field with fields={…}, or register one in a FieldTypes."
        )

    @pytest.mark.parametrize("thing", [int, Person("a", 1, Address("b")), "Person", None])
    def test_no_model(self, thing: Any) -> None:
        with pytest.raises(TypeError, match="form_for takes a msgspec Struct, a dataclass or"):
            form_for(thing)

    def test_a_model_that_contains_itself(self) -> None:
        with pytest.raises(TypeError, match="Tree contains itself"):
            form_for(Tree)
        assert list(fill(form_for(Tree, exclude=["branches"]))._fields) == ["name"]


class Paint:
    def __init__(self, code: str) -> None:
        self.code = code


class Wall(msgspec.Struct):
    paint: Paint


class Tree(msgspec.Struct):
    name: str
    branches: list[Tree] = []


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)


class Level(Enum):
    LOW = (0, 1)
    HIGH = (0, 2)


class Alike(Enum):
    ONE = 1
    TEXT = "1"


class Place(sa.types.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"))
    author: Mapped[Author] = relationship()
    title: Mapped[str] = mapped_column(
        sa.String(10), info={"label": "Title of the book"}, doc="As on the cover"
    )
    subtitle: Mapped[str | None] = mapped_column(sa.String(10))
    text: Mapped[str | None] = mapped_column(sa.Text)
    pages: Mapped[int] = mapped_column(default=1)
    weight: Mapped[int] = mapped_column(sa.SmallInteger)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))
    rating: Mapped[float | None]
    colour: Mapped[Colour]
    state: Mapped[str] = mapped_column(sa.Enum("new", "used"))
    sold: Mapped[bool]
    printed: Mapped[date]
    key: Mapped[uuid.UUID]
    created: Mapped[datetime] = mapped_column(default=lambda: datetime(2026, 1, 1))
    stock: Mapped[int] = mapped_column(server_default="3")
    twice: Mapped[int] = mapped_column(sa.Computed("pages * 2"))
    loud = column_property(sa.func.upper(title))


SENT = {
    "title": "Notes",
    "pages": "12",
    "weight": "3",
    "price": "9.90",
    "colour": "r",
    "state": "used",
    "printed": "2026-01-02",
    "key": str(uuid.UUID(int=1)),
}


class TestSQLAlchemy:
    def test_columns_become_fields_but_for_keys_and_expressions(self) -> None:
        assert list(fill(form_for(Book))._fields) == [
            *("title", "subtitle", "text", "pages", "weight", "price", "rating", "colour"),
            *("state", "sold", "printed", "key", "created", "stock"),
        ]
        assert list(fill(form_for(Book, only=["author_id"]))._fields) == ["author_id"]

    def test_stored(self) -> None:
        form = fill(form_for(Book), SENT)
        assert form.validate(), form.errors
        book = form.create_obj(author=Author())
        engine = sa.create_engine("sqlite://")
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(book)
            session.commit()
            assert (book.title, book.subtitle, book.text) == ("Notes", None, None)
            assert (book.price, book.colour, book.state) == (Decimal("9.90"), Colour.RED, "used")
            assert (book.created, book.stock) == (datetime(2026, 1, 1), 3)
            assert (book.key, book.sold, book.rating) == (uuid.UUID(int=1), False, None)
            changed = form_for(Book)(
                MultiDict(SENT | {"title": "New", "stock": "", "created": ""}),
                obj=book,
                meta={"csrf": False},
            )
            assert changed.validate(), changed.errors
            changed.populate_obj(book)
            assert (book.title, book.stock, book.created) == ("New", 3, datetime(2026, 1, 1))
        engine.dispose()

    def test_what_does_not_fit_into_the_column_is_told(self) -> None:
        form = fill(
            form_for(Book),
            SENT
            | {
                "title": "x" * 11,
                "pages": "2147483648",
                "weight": "-32769",
                "price": "1000",
                "state": "lost",
                "stock": "x",
            },
        )
        assert not form.validate()
        assert form.errors == {
            "title": ["Field cannot be longer than 10 characters."],
            "pages": ["Number must be between -2147483648 and 2147483647."],
            "weight": ["Number must be between -32768 and 32767."],
            "price": ["Number must be between -999.99 and 999.99."],
            "state": ["Invalid Choice: could not coerce."],
            "stock": ["Not a valid integer value."],
        }

    def test_rendering(self) -> None:
        form = form_for(Book)(None, meta={"csrf": False})
        fields: Any = form
        assert (fields.title.label.text, fields.title.description) == (
            "Title of the book",
            "As on the cover",
        )
        assert str(fields.text).startswith("<textarea")
        assert 'value="1"' in str(fields.pages)

    @pytest.mark.parametrize(
        "kind", [sa.LargeBinary(), sa.JSON(), sa.Interval(), sa.DateTime(timezone=True), Place()]
    )
    def test_a_type_without_a_field(self, kind: Any) -> None:
        class Local(DeclarativeBase):
            pass

        model = type(
            "Model",
            (Local,),
            {
                "__tablename__": "model",
                "id": mapped_column(sa.Integer, primary_key=True),
                "x": mapped_column(kind, nullable=False),
            },
        )
        with pytest.raises(TypeError, match=r"No field is known for Model\.x, whose type is"):
            form_for(model)

    def test_a_type_of_ones_own(self) -> None:
        class Local(DeclarativeBase):
            pass

        class Shop(Local):
            __tablename__ = "shop"
            id: Mapped[int] = mapped_column(primary_key=True)
            place: Mapped[str] = mapped_column(Place())

        field_types = FieldTypes()
        field_types.register(Place)(lambda wanted, options, inner: TextAreaField(**options))
        form = fill(form_for(Shop, field_types=field_types), place="")
        assert not form.validate()
        assert form.place() == '<textarea id="place" name="place" required>\r\n</textarea>'

    @pytest.mark.parametrize(
        ("kind", "sent", "expected"),
        [
            (sa.BigInteger(), str(2**40), 2**40),
            (sa.Float(), "1.5", 1.5),
            (sa.Numeric(), "1.234", Decimal("1.234")),
            (sa.Numeric(asdecimal=False), "1.5", 1.5),
            (sa.Time(), "10:20", time(10, 20)),
            (sa.DateTime(), "2026-01-02T10:20", datetime(2026, 1, 2, 10, 20)),
            (sa.Unicode(3), "abc", "abc"),
            (sa.Enum(Level), "(0, 2)", Level.HIGH),
            (sa.Enum(Alike), "TEXT", Alike.TEXT),
        ],
    )
    def test_other_types(self, kind: Any, sent: str, expected: Any) -> None:
        class Local(DeclarativeBase):
            pass

        columns = {
            "__tablename__": "model",
            "id": mapped_column(sa.Integer, primary_key=True),
            "x": mapped_column(kind, nullable=False),
        }
        form = fill(form_for(type("Model", (Local,), columns)), x=sent)
        assert form.validate(), form.errors
        assert form.create_obj().x == expected
