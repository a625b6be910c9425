"""One contract query. List, footer, totals, links and files all go through it, so they cannot disagree.

Made from an address, a form or a command; becomes a ``Select``, a sentence in Chinese, and an address again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from contracts_app.accounts.models import User
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import ContractType, TechnologyField
from contracts_app.core.clock import DayError, day_edges, parse_day, year_edges
from contracts_app.core.db import db
from contracts_app.core.money import MoneyError, parse_yuan
from contracts_app.core.text import normalise
from contracts_app.core.words import Word
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit

from .ledger import Cause, LedgerEntry
from .models import Contract
from .queries import Placed, may_see
from .search import WORDS
from .states import State


class DateKind(Word):
    """Which of its days a contract is sought by."""

    REGISTERED = "registered", "登记日期"
    SIGNED = "signed", "签订日期"
    SUBMITTED = "submitted", "提交日期"


@dataclass(frozen=True)
class Filter:
    """One thing that is asked, in words, and the fields of the query it stands in."""

    words: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class ContractQuery:
    """What is asked of the contracts. An empty query asks for all that the person may see. Amounts are 元."""

    q: str = ""
    states: tuple[State, ...] = ()
    year: int | None = None  # what was counted in it, Asia/Shanghai: entries of the ledger instead of contracts
    cause: Cause | None = None  # with a year: only what was counted for this
    unit: str | None = None
    town: str | None = None
    type: str | None = None  # a leaf or a root
    field: str | None = None
    platform: int | None = None
    broker: int | None = None
    enterprise: int | None = None  # as seller or buyer
    mine: bool = False  # what the person filed
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    date_kind: DateKind = DateKind.REGISTERED
    date_from: date | None = None
    date_to: date | None = None
    faults: tuple[tuple[str, str], ...] = ()  # (field, sentence): what could not be read and is left out

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> "ContractQuery":
        """Read an address or a posted filter bar. What cannot be read is left out and told of in ``faults``.

        ``amount_from`` and ``amount_to`` are in 万元 where they carry no unit of their own. ``state`` may be repeated
        (a werkzeug ``MultiDict``) or joined by commas.
        """
        reader = _Reader(args)
        query = cls(
            q=args.get("q", "").strip()[:100],
            states=reader.states(),
            cause=reader.cause(),
            year=reader.number("year", "年度写成四位数字，例如 2025", 1985, 2100),
            unit=args.get("unit") or None,
            town=args.get("town") or None,
            type=args.get("type") or None,
            field=args.get("field") or None,
            platform=reader.number("platform", "创新平台从列表里选"),
            broker=reader.number("broker", "技术经纪人从列表里选"),
            enterprise=reader.number("enterprise", "单位从列表里选"),
            mine=args.get("mine") == "1",
            amount_from=reader.amount("amount_from"),
            amount_to=reader.amount("amount_to"),
            date_kind=reader.date_kind(),
            date_from=reader.day("date_from"),
            date_to=reader.day("date_to"),
        )
        return query._with_ranges_in_order(reader.faults)

    def _with_ranges_in_order(self, faults: list[tuple[str, str]]) -> "ContractQuery":
        """The query without an upper end that lies below its lower one."""
        kept = self
        if None not in (kept.amount_from, kept.amount_to) and kept.amount_to < kept.amount_from:  # type: ignore[operator]
            faults.append(("amount_to", "最高金额小于最低金额，核对后重新填写"))
            kept = replace(kept, amount_to=None)
        if kept.date_from and kept.date_to and kept.date_to < kept.date_from:
            faults.append(("date_to", "止日早于起日，核对后重新填写"))
            kept = replace(kept, date_to=None)
        return replace(kept, faults=tuple(faults))

    def to_args(self) -> dict[str, str]:
        """The address's arguments that make this query again."""
        args = {
            "q": self.q,
            "state": ",".join(state.value for state in self.states),
            "cause": self.cause.value if self.cause else "",
            "amount_from": f"{self.amount_from.normalize():f}元" if self.amount_from is not None else "",
            "amount_to": f"{self.amount_to.normalize():f}元" if self.amount_to is not None else "",
            "date_kind": self.date_kind.value if self.date_from or self.date_to else "",
            "mine": "1" if self.mine else "",
        }
        for name in (
            "year",
            "unit",
            "town",
            "type",
            "field",
            "platform",
            "broker",
            "enterprise",
            "date_from",
            "date_to",
        ):
            args[name] = str(getattr(self, name) or "")
        return {name: value for name, value in args.items() if value}

    def without(self, *names: str) -> "ContractQuery":
        """The same query with these filters taken off: what a chip's cross leads to."""
        empty = {field.name: field.default for field in fields(self) if field.name in names}
        return replace(self, faults=(), **empty)  # type: ignore[arg-type]

    @property
    def filters(self) -> list[Filter]:
        """Everything that is asked, in words: 2025年登记, 晋江市, 技术开发. Raises nothing for what has no name."""
        return list(self._filters())

    def sentence(self) -> str:
        """What is asked, in one line of Chinese: 2025年登记 · 晋江市 · 技术开发."""
        return " · ".join(one.words for one in self.filters) or "全部合同"

    def _filters(self) -> Iterator[Filter]:
        if self.mine:
            yield Filter("我申报的", ("mine",))
        if self.year:
            yield Filter(f"{self.year}年登记", ("year", "cause"))
        if self.cause:
            yield Filter(f"因{self.cause.label}计入", ("cause",))
        for name in _NAMED:
            if getattr(self, name) is not None:
                yield Filter(_PREFIX.get(name, "") + (self._names.get(name) or "未知"), (name,))
        if self.states:
            yield Filter("、".join(state.label for state in self.states), ("states",))
        if self.amount_from is not None or self.amount_to is not None:
            yield Filter(f"成交额 {_between(_wan(self.amount_from), _wan(self.amount_to))} 万元", _AMOUNTS)
        if self.date_from or self.date_to:
            days = _between(*(day.isoformat() if day else "" for day in (self.date_from, self.date_to)))
            kind = "计入日期" if self.counts_by_day else self.date_kind.label
            yield Filter(f"{kind} {days}", ("date_kind", "date_from", "date_to"))
        if self.q:
            yield Filter(f"“{self.q}”", ("q",))

    def known(self) -> "ContractQuery":
        """The query without what names nothing that exists; a fault tells of each."""
        unknown = [name for name in _NAMED if getattr(self, name) is not None and self._names.get(name) is None]
        faults = tuple((name, f"{_CALLED[name]}从列表里选一项") for name in unknown)
        return replace(self.without(*unknown), faults=self.faults + faults) if unknown else self

    @cached_property
    def _names(self) -> dict[str, str | None]:
        """What the codes and ids asked for are called, in one statement."""
        asked = [
            select(column).where(key == getattr(self, name)).scalar_subquery().label(name)
            for name, (key, column) in _NAMED.items()
            if getattr(self, name) is not None
        ]
        return dict(db.session.execute(select(*asked)).one()._mapping) if asked else {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.to_args()

    @property
    def is_counted(self) -> bool:
        """Whether the rows are entries of the ledger: what was counted in a year, for whatever cause."""
        return self.year is not None

    @property
    def counts_by_day(self) -> bool:
        """Whether the days asked for are those on which something was counted."""
        return self.is_counted and self.date_kind is DateKind.REGISTERED

    def matching(self, person: User, *, with_contract: bool = False) -> Select[Any]:
        """Everything that matches among what this person may see: contracts, or the year's entries of the ledger.

        Entries have their contract beside them only where a condition needs it, or on demand.
        """
        about_contract = list(self._asked_of_contract())
        if not self.is_counted:
            return select(Contract).where(may_see(person), *self._asked(Contract, person), *about_contract)
        entries = select(LedgerEntry).where(may_see(person, LedgerEntry), *self._asked(LedgerEntry, person))
        if about_contract or with_contract:
            entries = entries.join(Contract, Contract.id == LedgerEntry.contract_id)
        return entries.where(*about_contract)

    def _asked(self, of: Placed, person: User) -> Iterable[ColumnElement[bool]]:
        """What is asked of a contract as it is, or of an entry as it was counted."""
        if self.year:
            yield LedgerEntry.counts_on.between(*year_edges(self.year))
            if self.cause:
                yield LedgerEntry.cause == self.cause
            if self.counts_by_day:
                yield from _within(LedgerEntry.counts_on, self.date_from, self.date_to)
        if self.mine:
            yield of.filed_by_id == person.id
        for column, value in (
            (of.unit_code, self.unit),
            (of.town_code, self.town),
            (of.field_code, self.field),
            (of.platform_id, self.platform),
            (of.broker_id, self.broker),
        ):
            if value is not None:
                yield column == value
        if self.type:
            # Leaves begin with their root's code and are the only codes a contract carries.
            yield of.type_code == self.type if self.type[-1].isdigit() else of.type_code.startswith(self.type)

    def _asked_of_contract(self) -> Iterable[ColumnElement[bool]]:
        """What is asked of the contract as it is now, also where its entries are listed."""
        if self.states:
            yield Contract.state.in_(self.states)
        if self.enterprise is not None:
            yield or_(Contract.seller_id == self.enterprise, Contract.buyer_id == self.enterprise)
        if self.amount_from is not None:
            yield Contract.total_amount >= self.amount_from
        if self.amount_to is not None:
            yield Contract.total_amount <= self.amount_to
        if not self.counts_by_day:
            yield from self._dates()
        if (found := self._found()) is not None:
            yield found

    def _found(self) -> ColumnElement[bool] | None:
        """Contracts with a whole number that was asked for, straight from its index, else with the words."""
        number = normalise(self.q).replace(" ", "").upper()
        if re.fullmatch(r"\d{16}", number):
            return Contract.registration_number == number
        if re.fullmatch(r"[A-Z]{2}-JSHT-\d{4}-\d{5,}", number):
            return Contract.acceptance_number == number
        return WORDS.matches(Contract.id, self.q)

    def _dates(self) -> Iterable[ColumnElement[bool]]:
        if self.date_kind is DateKind.SUBMITTED:
            if self.date_from:
                yield Contract.submitted_at >= day_edges(self.date_from)[0]
            if self.date_to:
                yield Contract.submitted_at < day_edges(self.date_to)[1]
            return
        column = Contract.signed_on if self.date_kind is DateKind.SIGNED else Contract.registered_on
        yield from _within(column, self.date_from, self.date_to)


def _within(column: Any, first: date | None, last: date | None) -> Iterator[ColumnElement[bool]]:
    if first:
        yield column >= first
    if last:
        yield column <= last


# Field -> what it is compared with, and what that is called.
_NAMED = {
    "unit": (Unit.code, Unit.name),
    "town": (Region.code, Region.name),
    "type": (ContractType.code, ContractType.name),
    "field": (TechnologyField.code, TechnologyField.name),
    "platform": (Platform.id, Platform.name),
    "broker": (Broker.id, Broker.name),
    "enterprise": (Enterprise.id, Enterprise.name),
}
_CALLED = {
    "unit": "考核单元",
    "town": "镇街",
    "type": "合同类型",
    "field": "技术领域",
    "platform": "创新平台",
    "broker": "技术经纪人",
    "enterprise": "单位",
}
_PREFIX = {"broker": "经纪人 "}
_AMOUNTS = ("amount_from", "amount_to")


def _wan(amount: Decimal | None) -> str:
    """元 as 万元 without loss and without needless noughts: 20, 0.005."""
    return "" if amount is None else f"{amount.scaleb(-4).normalize():f}"


def _between(first: str, last: str) -> str:
    if first and last:
        return f"{first} 至 {last}"
    return f"≥ {first}" if first else f"≤ {last}"


@dataclass(frozen=True)
class Sums:
    """What a list's footer says of everything that matches. Amounts are 元.

    Rows are as many as contracts, but for a year's list: there a change is a row that counts no contract, and a
    cancellation one that takes a contract away.
    """

    rows: int
    contracts: int
    total_amount: Decimal
    technology_amount: Decimal


def sums(query: ContractQuery, person: User) -> Sums:
    """Count and sum of all that matches, in one statement."""
    matching = query.matching(person).with_only_columns(*_columns(query), maintain_column_froms=True)
    return _sums(db.session.execute(matching).one())


def sums_by_tab(query: ContractQuery, person: User) -> dict[Word, Sums]:
    """The same for each tab of the list: for each state that occurs, of a year for each cause that occurs.

    Whatever tab the query asks for. The sum over the tabs asked for is what ``sums`` says, so a list needs one
    statement for tabs and footer.
    """
    tab: Any = LedgerEntry.cause if query.is_counted else Contract.state
    everything = query.without("cause") if query.is_counted else query.without("states")
    rows = db.session.execute(
        everything.matching(person).with_only_columns(tab, *_columns(query), maintain_column_froms=True).group_by(tab)
    )
    return {row[0]: _sums(row[1:]) for row in rows}


def asked_tabs(query: ContractQuery) -> tuple[Word, ...]:
    """The tabs the query asks for; empty: all of them."""
    return ((query.cause,) if query.cause else ()) if query.is_counted else query.states


def added(parts: Iterable[Sums]) -> Sums:
    """Several counts and sums as one."""
    parts = list(parts)
    return Sums(
        sum(part.rows for part in parts),
        sum(part.contracts for part in parts),
        sum((part.total_amount for part in parts), Decimal(0)),
        sum((part.technology_amount for part in parts), Decimal(0)),
    )


def _columns(query: ContractQuery) -> list[ColumnElement[Any]]:
    of: Any = LedgerEntry if query.is_counted else Contract
    contracts = func.sum(LedgerEntry.contracts) if query.is_counted else func.count()
    amounts = [func.coalesce(func.sum(column), 0) for column in (of.total_amount, of.technology_amount)]
    return [func.count(), func.coalesce(contracts, 0), *amounts]


def _sums(row: Sequence[Any]) -> Sums:
    return Sums(row[0], int(row[1]), Decimal(row[2]), Decimal(row[3]))


class _Reader:
    """Reads the arguments of an address and keeps a sentence for each that cannot be read."""

    def __init__(self, args: Mapping[str, str]) -> None:
        self.args = args
        self.faults: list[tuple[str, str]] = []

    def states(self) -> tuple[State, ...]:
        given = self.args.getlist("state") if hasattr(self.args, "getlist") else [self.args.get("state", "")]
        names = [name for text in given for name in text.split(",") if name]
        known = {state.value: state for state in State}
        if any(name not in known for name in names):
            self.faults.append(("state", "状态从列表里选"))
        return tuple(known[name] for name in names if name in known)

    def cause(self) -> Cause | None:
        text = self.args.get("cause", "")
        return next((cause for cause in Cause if cause.value == text), None)

    def number(self, name: str, sentence: str, least: int = 1, most: int = 2**31 - 1) -> int | None:
        text = self.args.get(name, "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.faults.append((name, sentence))
        return None

    def amount(self, name: str) -> Decimal | None:
        text = self.args.get(name, "")
        if not text.strip():
            return None
        try:
            return parse_yuan(text, "wan")
        except MoneyError as error:
            self.faults.append((name, str(error)))
            return None

    def day(self, name: str) -> date | None:
        text = self.args.get(name, "")
        if not text.strip():
            return None
        try:
            return parse_day(text)
        except DayError as error:
            self.faults.append((name, str(error)))
            return None

    def date_kind(self) -> DateKind:
        text = self.args.get("date_kind", "")
        return next((kind for kind in DateKind if kind.value == text), DateKind.REGISTERED)
