"""By what totals can be split: one declaration each. Page, file, command line and saved views read the same list.

A dimension of time comes from the month, one of place from the caliber's unit, any other from a column of the ledger
and, under its letter, from the summaries (``totals``). Keys are text; "" stands for none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from flask import g
from sqlalchemy import select

from contracts_app.brokers.models import Broker
from contracts_app.codes.models import CodeList, ContractType, IpKind, PartyType, PaymentModel, PlanSource
from contracts_app.codes.models import TechnologyField as Field
from contracts_app.contracts.books.facets import Band, Flow
from contracts_app.contracts.finding.addresses import DateKind
from contracts_app.contracts.finding.query import LACKABLE, ContractQuery
from contracts_app.core.clock import month_edges
from contracts_app.core.db import db
from contracts_app.core.words import Word
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Level, Region, Unit


class Of(Enum):
    """Where a dimension's values come from."""

    TIME = "time"
    PLACE = "place"
    FACET = "facet"


@dataclass(frozen=True)
class Dimension:
    """One way to split a total. ``names`` gives its keys in the order in which they are shown, with their words."""

    code: str  # in addresses, saved views and on the command line
    label: str
    of: Of
    names: Callable[[], Mapping[str, str]]
    column: str = ""  # of the ledger
    letter: str = ""  # in the summaries
    filter: str = ""  # of the contract query, where it is not the code
    rolled: Callable[[str], str] = str  # from what is stored to the key that is shown
    codes: type[CodeList] | None = None  # the list in which a key stands for all that lies below it

    def narrowed(self, query: ContractQuery, key: str) -> ContractQuery:
        """The same query for one key of this dimension: what a cell's link leads to."""
        name = self.filter or self.code
        if self.of is Of.TIME:
            return _within(query, *_EDGES[self.code](key))
        if key == "":
            lacking = {*query.lacking, name}
            return query.asking(lacking=tuple(one for one in LACKABLE if one in lacking))  # as an address has it
        asked = getattr(query, name)
        if isinstance(asked, str) and self.rolled(asked) == key:
            return query  # something below the key is asked already
        value: Any = int(key) if name in ("platform", "broker") else key
        if self.code in _WORDS:
            value = next(word for word in _WORDS[self.code] if word.value == key)
        return query.asking(**{name: value})

    def name_of(self, key: str) -> str:
        """What a key is called; the key itself where its record is gone."""
        return self.names().get(key) or (key if key else f"没有{LACKABLE.get(self.code, self.label)}")


# --- time -------------------------------------------------------------------------------------------------------------


def _half(month: int) -> str:
    return f"{month // 100}-H{1 if month % 100 <= 6 else 2}"


def _quarter(month: int) -> str:
    return f"{month // 100}-Q{(month % 100 + 2) // 3}"


# From the month, as the ledger keeps it, to the key of a period.
PERIOD_OF: Mapping[str, Callable[[int], str]] = {
    "year": lambda month: str(month // 100),
    "half": _half,
    "quarter": _quarter,
    "month": lambda month: f"{month // 100}-{month % 100:02d}",
}
_EDGES: Mapping[str, Callable[[str], tuple[date, date]]] = {
    "year": lambda key: _months(int(key), 1, 12),
    "half": lambda key: _months(int(key[:4]), *((1, 6) if key[-1] == "1" else (7, 12))),
    "quarter": lambda key: _months(int(key[:4]), int(key[-1]) * 3 - 2, int(key[-1]) * 3),
    "month": lambda key: _months(int(key[:4]), int(key[5:]), int(key[5:])),
}


def edges_of(dimension: Dimension, key: str) -> tuple[date, date]:
    """The first and the last day of a period."""
    return _EDGES[dimension.code](key)


def _months(year: int, first: int, last: int) -> tuple[date, date]:
    return month_edges(year, first)[0], month_edges(year, last)[1]


def _within(query: ContractQuery, first: date, last: date) -> ContractQuery:
    """What a query asks for within a period of one year, and within its own days."""
    first, last = max(first, query.date_from or first), min(last, query.date_to or last)
    whole = (first, last) == (date(first.year, 1, 1), date(first.year, 12, 31))
    days = (None, None) if whole else (first, last)
    return query.asking(year=first.year, since=None, date_kind=DateKind.REGISTERED, date_from=days[0], date_to=days[1])


def _period_names() -> Mapping[str, str]:
    return _Periods()


class _Periods(dict[str, str]):
    """The words of any period: they follow from its key."""

    def get(self, key: str, default: Any = None) -> str:
        year, _, part = key.partition("-")
        if not part:
            return f"{year}年"
        if part[0] == "H":
            return f"{year}年{'上' if part[1] == '1' else '下'}半年"
        return f"{year}年{'一二三四'[int(part[1]) - 1]}季度" if part[0] == "Q" else f"{year}年{int(part)}月"


# --- names ------------------------------------------------------------------------------------------------------------


def _kept(name: str, read: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """Read once in a request."""
    kept: dict[str, Mapping[str, str]] = g.setdefault("dimension_names", {})
    if name not in kept:
        kept[name] = read()
    return kept[name]


def _list(codes: type[CodeList], *, roots: bool = False) -> Callable[[], Mapping[str, str]]:
    own: Any = codes

    def read() -> Mapping[str, str]:
        wanted = select(own.code, own.name).order_by(own.position)
        return dict(db.session.execute(wanted.where(own.parent_code.is_(None)) if roots else wanted).all())

    return lambda: _kept(f"{codes.__name__} {roots}", read)


def _root_of(codes: type[CodeList]) -> Callable[[str], str]:
    """From a code to the one that stands above all others."""
    own: Any = codes

    def parents() -> Mapping[str, str]:
        wanted = select(own.code, own.parent_code).where(own.parent_code.is_not(None))
        return dict(db.session.execute(wanted).all())

    def root(code: str) -> str:
        above = _kept(f"above {codes.__name__}", parents)
        while code in above:
            code = above[code]
        return code

    return root


def _units() -> Mapping[str, str]:
    wanted = select(Unit.code, Unit.name).order_by(Unit.position, Unit.code)
    return _kept("units", lambda: dict(db.session.execute(wanted).all()))


def _towns() -> Mapping[str, str]:
    wanted = select(Region.code, Region.name).where(Region.level == Level.TOWN).order_by(Region.code)
    return _kept("towns", lambda: dict(db.session.execute(wanted).all()))


def _by_id(model: type[Broker] | type[Platform]) -> Callable[[], Mapping[str, str]]:
    def read() -> Mapping[str, str]:
        rows = db.session.execute(select(model.id, model.name).order_by(model.name, model.id))
        return {str(key): name for key, name in rows}

    return lambda: _kept(model.__name__, read)


def _words(words: type[Word]) -> Callable[[], Mapping[str, str]]:
    return lambda: {word.value: word.label for word in words}


_WORDS: Mapping[str, type[Word]] = {"flow": Flow, "band": Band}

# --- the list ---------------------------------------------------------------------------------------------------------


def _coded(code: str, label: str, codes: type[CodeList], letter: str) -> Dimension:
    """A dimension of a code list, shown by the codes that stand above all others."""
    names, root = _list(codes, roots=True), _root_of(codes)
    return Dimension(code, label, Of.FACET, names, f"{code}_code", letter, rolled=root, codes=codes)


_ALL = (
    Dimension("year", "年度", Of.TIME, _period_names),
    Dimension("half", "半年", Of.TIME, _period_names),
    Dimension("quarter", "季度", Of.TIME, _period_names),
    Dimension("month", "月份", Of.TIME, _period_names),
    Dimension("unit", "考核单元", Of.PLACE, _units),
    Dimension("town", "镇街", Of.FACET, _towns, "town_code", "t"),
    _coded("type", "合同类型", ContractType, "y"),
    Dimension("subtype", "合同小类", Of.FACET, _list(ContractType), "type_code", "y", "type"),
    Dimension("field", "技术领域", Of.FACET, _list(Field), "field_code", "f"),
    _coded("ip", "知识产权", IpKind, "i"),
    _coded("plan_source", "计划来源", PlanSource, "l"),
    _coded("seller_kind", "卖方类别", PartyType, "s"),
    _coded("buyer_kind", "买方类别", PartyType, "b"),
    Dimension("platform", "创新平台", Of.FACET, _by_id(Platform), "platform_id", "p"),
    Dimension("broker", "技术经纪人", Of.FACET, _by_id(Broker), "broker_id", "k"),
    _coded("payment_model", "支付方式", PaymentModel, "m"),
    Dimension("flow", "技术流向", Of.FACET, _words(Flow), "flow", "w"),
    Dimension("band", "金额区间", Of.FACET, _words(Band), "amount_band", "a"),
)
DIMENSIONS: Mapping[str, Dimension] = {dimension.code: dimension for dimension in _ALL}
# The columns that the summaries keep, by letter; two dimensions may be cut from one column.
FACETS: Mapping[str, str] = {one.letter: one.column for one in _ALL if one.of is Of.FACET}
