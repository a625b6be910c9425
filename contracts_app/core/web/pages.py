"""Paging and sorting of a Select, from the address of a list and back to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Generic, TypeVar

from flask import Flask, request, url_for
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter, Map

from contracts_app.core.db import LARGEST_ID

Row = TypeVar("Row")
SIZES = (20, 50, 100)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list. Numbers start at 1; a list without rows is one empty page."""

    rows: Sequence[Row]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        return max(1, ceil(self.total / self.size))

    @property
    def has_next(self) -> bool:
        return self.number < self.last

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def first_row(self) -> int:
        """The place of the first row shown among all that match; 0 when there are none."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        return (self.number - 1) * self.size + len(self.rows)


@dataclass(frozen=True)
class Sort:
    """What a list is sorted by: ``amount`` upwards, ``-amount`` downwards."""

    key: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.key}" if self.descending else self.key

    def toggled(self, key: str, downwards_first: bool = False) -> str:
        """What a click on a column's header asks for: the other direction, or the column's usual first one."""
        if key == self.key:
            return str(Sort(key, not self.descending))
        return str(Sort(key, downwards_first))


def sort_from(text: str | None, columns: Mapping[str, Any], default: str) -> Sort:
    """The sort an address asks for if ``columns`` allows its key, else the default."""
    asked = _parsed(text or default)
    return asked if asked.key in columns else _parsed(default)


def ordered(sort: Sort, columns: Mapping[str, Any], key: Any) -> list[ColumnElement[Any]]:
    """ORDER BY clauses down to the record's key, nulls last both ways and alike on both databases."""
    column = columns[sort.key]
    direction = column.desc() if sort.descending else column.asc()
    tie = key.desc() if sort.descending else key.asc()
    if not getattr(column, "nullable", True):
        return [direction, tie]  # as its index has it, so that nothing is sorted
    return [direction.nulls_last(), tie]


def number_from(args: Mapping[str, str]) -> tuple[int, int]:
    """(page number, page size) from an address; what is missing or odd becomes the first page of twenty."""
    number, size = args.get("page", ""), args.get("size", "")
    number_asked = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1
    size_asked = int(size) if size in {str(allowed) for allowed in SIZES} else SIZES[0]
    return max(1, number_asked), size_asked


def page_of(
    session: Session,
    matching: Select[Any],
    *,
    show: Select[Any],
    key: Any,
    order: Sequence[ColumnElement[Any]],
    number: int = 1,
    size: int = SIZES[0],
    total: int | None = None,
) -> Page[Any]:
    """The page of ``show`` whose ``key`` is among ``matching``, in ``order``.

    The ids of the page are found first, from an index where there is one, and only those twenty are joined to what
    the page shows. ``matching`` may be any Select over the record; ``show`` one whose rows the template reads: a
    single entity gives entities, several columns give named tuples. A page number beyond the end gives the last page.
    """
    if total is None:
        ids = matching.with_only_columns(key).order_by(None)
        total = session.scalar(select(func.count()).select_from(ids.subquery())) or 0
    number = min(max(1, number), max(1, ceil(total / size)))
    statement = cut(matching, show=show, key=key, order=order, limit=size, offset=(number - 1) * size)
    rows = session.execute(statement).unique()
    one_entity = len(show.column_descriptions) == 1
    return Page(tuple(rows.scalars()) if one_entity else tuple(rows), number, size, total)


def cut(
    matching: Select[Any],
    *,
    show: Select[Any],
    key: Any,
    order: Sequence[ColumnElement[Any]],
    limit: int,
    offset: int = 0,
) -> Select[Any]:
    """``show`` for some of the records of ``matching``, whose ids are found before anything is joined to them."""
    ids = matching.with_only_columns(key).order_by(None)
    chosen = ids.order_by(*order).limit(limit).offset(offset).subquery()
    return show.join(chosen, chosen.c[0] == key).order_by(None).order_by(*order)


def url_with(**changes: Any) -> str:
    """The address of this page with some arguments changed; ``None`` takes one out. For pagers, sorting and chips."""
    arguments: dict[str, Any] = {**request.args.to_dict(flat=False), **(request.view_args or {})}
    arguments.update({name: str(value) if isinstance(value, Sort) else value for name, value in changes.items()})
    kept = {name: value for name, value in arguments.items() if value is not None}
    return url_for(request.endpoint or "", **kept)


class Number(IntegerConverter):
    """A whole number in an address. One that no column could hold is nobody's: 404, and never asked of the database."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_ID, **kwargs})


def init_app(app: Flask) -> None:
    """Give the templates `url_with` and the page sizes, and addresses only numbers that a column can hold."""
    app.url_map.converters["int"] = Number
    app.jinja_env.globals.update(url_with=url_with, page_sizes=SIZES)


def _parsed(text: str) -> Sort:
    return Sort(text.removeprefix("-"), text.startswith("-"))
