"""Every way the application reads enterprises. It is one master file: who may read it reads all of it."""

from collections.abc import Sequence
from typing import Any

from flask import abort
from sqlalchemy import Select, case, func, or_, select

from contracts_app.core.database.search import SearchIndex
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.text import name_key, normalise, search_key
from contracts_app.core.web.pages import Page, Sort, ordered, page_of

from .models import Enterprise

WORDS = SearchIndex("enterprise_search")
HITS = 20
COLUMNS = {"name": Enterprise.pinyin, "created": Enterprise.created_at}


def one(enterprise_id: int) -> Enterprise:
    """One enterprise; 404 when there is none of this number."""
    return db.session.get(Enterprise, enterprise_id) or abort(404)


def known(enterprise_id: int | None) -> Enterprise | None:
    """The enterprise of this number, if there is one."""
    return db.session.get(Enterprise, enterprise_id) if enterprise_id and 0 < enterprise_id <= LARGEST_ID else None


def matching(words: str) -> Select[Enterprise]:
    """Enterprises whose name, code, pinyin or initials hold every one of the words; all of them without words."""
    wanted = select(Enterprise)
    condition = WORDS.matches(Enterprise.id, words)
    if condition is None:
        return wanted
    return wanted.where(or_(condition, Enterprise.code.startswith(search_key(words).upper(), autoescape=True)))


def found(words: str, limit: int = HITS) -> Sequence[Enterprise]:
    """The best hits for what somebody typed: names, initials and pinyin that begin with it come first."""
    if not search_key(words):
        return []
    begins, key = normalise(words), search_key(words)
    rank = case(
        (Enterprise.name.startswith(begins, autoescape=True), 0),
        (Enterprise.initials.startswith(key, autoescape=True), 1),
        (Enterprise.pinyin.startswith(key, autoescape=True), 1),
        else_=2,
    )
    wanted = matching(words).order_by(rank, func.length(Enterprise.name), Enterprise.name, Enterprise.id)
    return db.session.scalars(wanted.limit(limit)).unique().all()


def meant(text: str) -> Enterprise | None:
    """The one enterprise whose code or whole name this is; None when there is none, or more than one of that name."""
    if with_code := of_code(search_key(text).upper()):
        return with_code
    namesakes = of_name(text)
    return namesakes[0] if len(namesakes) == 1 else None


def of_code(code: str | None) -> Enterprise | None:
    """The enterprise with this 统一社会信用代码."""
    return db.session.scalars(select(Enterprise).where(Enterprise.code == code)).one_or_none() if code else None


def of_name(name: str, besides: int | None = None) -> Sequence[Enterprise]:
    """Enterprises of the same name, however it is spaced and punctuated; at most ten, ``besides`` left out."""
    key = name_key(name)[:200]
    if not key:
        return []
    wanted = select(Enterprise).where(Enterprise.name_key == key).order_by(Enterprise.id).limit(10)
    if besides is not None:
        wanted = wanted.where(Enterprise.id != besides)
    return db.session.scalars(wanted).unique().all()


def listed(
    words: str, region_code: str | None, party_type_code: str | None, sort: Sort, number: int, size: int
) -> Page[Any]:
    """A page of the register, narrowed by words, place and kind of party."""
    wanted = matching(words)
    if region_code:
        wanted = wanted.where(or_(Enterprise.region_code == region_code, Enterprise.town_code == region_code))
    if party_type_code:
        wanted = wanted.where(Enterprise.party_type_code == party_type_code)
    order = [*ordered(sort, COLUMNS, Enterprise.id)]
    return page_of(
        db.session(), wanted, show=select(Enterprise), key=Enterprise.id, order=order, number=number, size=size
    )
