"""Reading the code lists: whole trees, and what may be chosen on a day."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from contracts_app.core.db import db

from .models import CodeList

Listed = TypeVar("Listed", bound=CodeList)


def listed(model: type[Listed]) -> Sequence[Listed]:
    """The whole list in its order, also what may no longer be chosen."""
    return db.session.scalars(select(model).order_by(model.position, model.code)).all()


def as_tree(items: Sequence[Listed]) -> list[tuple[int, Listed]]:
    """The items with their depth, each directly below its parent."""
    below: dict[str | None, list[Listed]] = {}
    for item in items:
        below.setdefault(item.parent_code, []).append(item)

    def branch(parent: str | None, depth: int) -> Iterator[tuple[int, Listed]]:
        for item in below.get(parent, ()):
            yield depth, item
            yield from branch(item.code, depth + 1)

    return list(branch(None, 0))


def choosable(model: type[Listed], on: date, *, leaves_only: bool = True) -> Sequence[Listed]:
    """What may be chosen on a day, in the list's order; by default only codes that have none under them."""
    wanted = select(model).where(
        or_(model.valid_from.is_(None), model.valid_from <= on), or_(model.valid_to.is_(None), model.valid_to >= on)
    )
    if leaves_only:
        child = aliased(model)
        wanted = wanted.where(~select(child.code).where(child.parent_code == model.code).exists())
    return db.session.scalars(wanted.order_by(model.position, model.code)).all()


def choices(model: type[Listed], on: date) -> list[tuple[str, str]]:
    """Pairs of code and words for a select field; a leaf below a root of another name shows both words."""
    names = {item.code: item.name for item in listed(model)}
    return [(item.code, _with_parent(item, names)) for item in choosable(model, on)]


def _with_parent(item: CodeList, names: dict[str, str]) -> str:
    parent = names.get(item.parent_code or "")
    return f"{parent} · {item.name}" if parent and parent != item.name else item.name
