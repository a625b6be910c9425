"""Mine and theirs: a form typed on a copy that somebody has changed meanwhile, laid beside what stands now.

A form carries along what its person was shown, a short digest for each field (``base``): so it is known which answers
they touched. Field by field they say whether theirs or what stands now is to be kept (``take-<name>``), and save that
on the newest version. ``rows`` is what the page shows, ``settle`` reads what was chosen.

The edit page of any record gets it so: its form is a ``RecordForm`` whose page prints ``form.version()`` and
``form.base()``; the view makes it by ``filled(make, posted)`` and answers ``Stale`` by ``page(stale, form, make)``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import render_template, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from .errors import Stale
from .money import yuan
from .web.fields import MoneyField, ParsedField, flat_choices

TAKE = "take-"
OURS = frozenset({"version", "base", "kept", "window", "csrf_token", "go"})  # posted by forms, and no answer


@dataclass(frozen=True)
class Row:
    """A field whose answer differs: in words, mine and what stands now.

    `keeps_mine`: what is proposed, mine where I changed what I was shown; `is_both`: somebody else changed it too.
    """

    name: str
    label: str
    mine: str
    now: str
    keeps_mine: bool
    is_both: bool


class RecordForm(FlaskForm):
    """A form about a record that others may change meanwhile: it carries along which version it shows, and what."""

    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    base = StringField(widget=HiddenInput())


AnyForm = TypeVar("AnyForm", bound=RecordForm)


def filled(make: Callable[[MultiDict[str, str] | None], AnyForm], posted: MultiDict[str, str] | None) -> AnyForm:
    """The form as posted, with what was chosen between mine and theirs; with nothing posted as the record stands.

    ``make`` makes it from what is posted, and from the record alone for None.
    """
    if posted is not None and not is_settled(posted):
        return make(posted)
    stands = make(None)
    if posted is not None:
        return make(settle(posted, stands))
    stands.base.data = base_of(stands)
    return stands


def page(
    stale: Stale, form: AnyForm, make: Callable[[MultiDict[str, str] | None], AnyForm], name: str
) -> tuple[str, int]:
    """Mine and theirs of a record called ``name``, to choose from and to save at once where the form was sent."""
    now = make(None)
    html = render_template(
        "errors/conflict.html",
        heading=f"{name}：对照后保存",
        reasons=stale.reasons,
        rows=rows(form, now, form.base.data or ""),
        carried=carried(request.form),
        version=now.version.data,
        base=base_of(now),
        action=request.full_path.rstrip("?"),
    )
    return html, stale.status


def base_of(form: Iterable[Field]) -> str:
    """What a form shows, a digest for each field, to be posted along with it."""
    return " ".join(f"{field.name}={_digest(words(field))}" for field in _answers(form))


def rows(mine: Any, now: Iterable[Field], base: str) -> list[Row]:
    """The fields in which a typed form differs from the same form as the record fills it now."""
    shown = dict(one.split("=", 1) for one in base.split() if "=" in one)
    typed = {field.name: field for field in _answers(mine)}
    found = []
    for field in _answers(now):
        if field.name not in typed:
            continue
        said, stands = words(typed[field.name]), words(field)
        if said != stands:
            # Without knowing what was shown nothing of the others' is taken back unasked.
            was = shown.get(field.name, _digest(said))
            touched, moved = was != _digest(said), was != _digest(stands)
            found.append(Row(field.name, field.label.text, said, stands, touched, touched and moved))
    return found


def is_settled(posted: MultiDict[str, str]) -> bool:
    """Whether the person has chosen between mine and theirs."""
    return any(name.startswith(TAKE) for name in posted)


def settle(posted: MultiDict[str, str], now: Iterable[Field]) -> MultiDict[str, str]:
    """What was typed, with what stands now in place of the answers for which that was chosen."""
    theirs = [field for field in _answers(now) if posted.get(f"{TAKE}{field.name}") == "now"]
    settled = MultiDict(
        (name, text)
        for name, text in posted.items(multi=True)
        if not name.startswith(TAKE) and not any(_is_of(name, field.name) for field in theirs)
    )
    for field in theirs:
        for name, text in _posted(field):
            settled.add(name, text)
    return settled


def as_posted(form: Iterable[Field]) -> MultiDict[str, str]:
    """The answers of a form as a browser would post them."""
    return MultiDict(pair for field in _answers(form) for pair in _posted(field))


def carried(posted: MultiDict[str, str]) -> list[tuple[str, str]]:
    """The answers as typed, to be sent once more by the page on which is chosen."""
    return [(name, text) for name, text in posted.items(multi=True) if name not in OURS and not name.startswith(TAKE)]


def words(field: Field) -> str:
    """An answer in words, the same however it was typed."""
    if isinstance(field, FieldList):
        return "；".join(filter(None, map(words, field.entries)))
    if isinstance(field, FormField):
        return " ".join(said for inner in field.form if (said := words(inner)) and said != "否")
    if isinstance(field, BooleanField):
        return "是" if field.data else "否"
    if isinstance(field, SelectMultipleField):
        return "、".join(choice.label for choice in flat_choices(field.choices) if choice.value in (field.data or []))
    if getattr(field, "choices", None):
        chosen = _chosen(field)
        return str(chosen.label) if chosen and chosen.value else ""
    if isinstance(field, MoneyField) and field.data is not None:
        return f"{yuan(field.data)} 元" if field.data else ""
    if hasattr(field, "typed"):
        return str(field.typed)
    if isinstance(field, ParsedField) and field.data is not None:
        return field.write(field.data)
    return _text(field)


def _answers(form: Iterable[Field]) -> Iterator[Field]:
    return (field for field in form if field.name not in OURS and not isinstance(field, HiddenField))


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _is_of(posted: str, name: str) -> bool:
    """Whether something posted belongs to the field of that name: its unit, its lines, what was typed to find it."""
    return posted in (name, *(f"{name}_{more}" for more in ("unit", "text", "pick"))) or posted.startswith(f"{name}-")


def _posted(field: Field) -> Iterator[tuple[str, str]]:
    """The field as a browser would post it."""
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _posted(entry)
    elif isinstance(field, FormField):
        for inner in field.form:
            yield from _posted(inner)
    elif isinstance(field, BooleanField):
        if field.data:
            yield field.name, "y"
    elif isinstance(field, SelectMultipleField):
        yield from ((field.name, str(value)) for value in field.data or [])
    elif getattr(field, "choices", None):
        chosen = _chosen(field)
        yield field.name, str(chosen.value) if chosen else ""
    else:
        yield field.name, _text(field)
        if isinstance(field, MoneyField):
            yield f"{field.name}_unit", field.unit
        if hasattr(field, "typed"):
            yield f"{field.name}_text", str(field.typed)


def _chosen(field: Any) -> Any:
    return next((one for one in flat_choices(field.choices) if field.coerce(one.value) == field.data), None)


def _text(field: Any) -> str:
    if hasattr(field, "_value"):
        return str(field._value())
    return "" if field.data is None else str(field.data)
