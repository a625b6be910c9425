"""One contract query. List, footer, totals, links and files all go through it, so they cannot disagree.

Made from an address, a form or a command; becomes a ``Select``, a sentence in Chinese, and an address again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from contracts_app.accounts.models import Reader
from contracts_app.accounts.permissions import READERS
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    CodeList,
    ContractType,
    IpKind,
    PartyType,
    PaymentModel,
    PlanSource,
    TechnologyField,
)
from contracts_app.contracts.books.facets import EDGES, ENDS, Band, Caliber, Flow
from contracts_app.contracts.books.ledger import OF_MONEY, OF_REGISTRATION, Cause, LedgerEntry
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import day_edges, year_edges
from contracts_app.core.db import db
from contracts_app.core.text import normalise
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import ABROAD, home_path

from .addresses import ArgumentReader, DateKind
from .queries import Placed, in_region_of, may_see, sees_all_units
from .search import WORDS

FIRST_YEAR, LAST_YEAR = 1985, 2100  # of totals: what counted earlier or later would be in none


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
    since: int | None = None  # with a year: what was counted from this year to that one
    cause: Cause | None = None  # with a year: only what was counted for this; else all but money that came in later
    caliber: Caliber = Caliber.REGISTERED  # with a year: by whose place it is counted
    unit: str | None = None
    town: str | None = None
    type: str | None = None  # a leaf or a root
    field: str | None = None
    platform: int | None = None
    broker: int | None = None
    ip: str | None = None  # a leaf or what lies above it, as everywhere below
    plan_source: str | None = None
    payment_model: str | None = None
    seller_kind: str | None = None
    buyer_kind: str | None = None
    flow: Flow | None = None
    band: Band | None = None
    lacking: tuple[str, ...] = ()  # what it must have none of: platform, broker …
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
        reader = ArgumentReader(args)
        query = cls(
            q=args.get("q", "").strip()[:100],
            states=reader.states(),
            cause=reader.cause(),
            year=reader.number("year", "年度写成四位数字，例如 2025", FIRST_YEAR, LAST_YEAR),
            since=reader.number("since", "起始年度写成四位数字，例如 2024", FIRST_YEAR, LAST_YEAR),
            caliber=reader.caliber(),
            unit=args.get("unit") or None,
            town=args.get("town") or None,
            type=args.get("type") or None,
            field=args.get("field") or None,
            platform=reader.number("platform", "创新平台从列表里选"),
            broker=reader.number("broker", "技术经纪人从列表里选"),
            ip=args.get("ip") or None,
            plan_source=args.get("plan_source") or None,
            payment_model=args.get("payment_model") or None,
            seller_kind=args.get("seller_kind") or None,
            buyer_kind=args.get("buyer_kind") or None,
            flow=reader.flow(),
            band=reader.band(),
            lacking=reader.lacking(LACKABLE),
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
        if kept.since and (not kept.year or kept.since > kept.year):
            faults.append(("since", "起始年度不能晚于登记年度，核对后重新填写"))
            kept = replace(kept, since=None)
        if kept.caliber is not Caliber.REGISTERED and not kept.year:
            faults.append(("caliber", "按输出、吸纳口径查看时，先填写登记年度"))
            kept = replace(kept, caliber=Caliber.REGISTERED)
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
            "caliber": "" if self.caliber is Caliber.REGISTERED else self.caliber.value,
            "lacking": ",".join(self.lacking),
        }
        args = {name: value for name, value in args.items() if value}
        own = vars(self)  # a large table has a thousand links
        args.update((name, str(own[name])) for name in _PLAIN if own[name])
        return args

    def asking(self, **fields_asked: Any) -> "ContractQuery":
        """The same query asking this instead. ``dataclasses.replace`` for the thousands of cells of a large table."""
        query = object.__new__(ContractQuery)
        own = {name: value for name, value in vars(self).items() if name != "_names"}  # found for this query alone
        vars(query).update(own, **fields_asked)
        return query

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
            years = f"{self.since}–{self.year}" if self.since and self.since != self.year else f"{self.year}"
            done = "计入" if self.is_of_money else "登记"
            yield Filter(f"{years}年{done}", ("year", "since", "cause", "caliber"))
        if self.caliber is not Caliber.REGISTERED:
            yield Filter(self.caliber.label, ("caliber",))
        if self.cause:
            yield Filter(f"因{self.cause.label}计入", ("cause",))
        for name in _NAMED:
            if getattr(self, name) is not None:
                yield Filter(_PREFIX.get(name, "") + (self._names.get(name) or "未知"), (name,))
        for name in ("flow", "band"):
            if (word := getattr(self, name)) is not None:
                yield Filter(word.label, (name,))
        if self.lacking:
            yield Filter("、".join(f"没有{LACKABLE[name]}" for name in self.lacking), ("lacking",))
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

    def known(self, person: Reader | None = None) -> "ContractQuery":
        """The query without what names nothing that exists; a fault tells of each.

        A broker whom this ``person`` cannot have met is as one who does not exist: he has a name to keep.
        """
        unknown = [name for name in _NAMED if getattr(self, name) is not None and self._names.get(name) is None]
        if person is not None and "broker" not in unknown and not self._has_met_broker(person):
            unknown.append("broker")
        faults = tuple((name, f"{_CALLED[name]}从列表里选一项") for name in unknown)
        return replace(self.without(*unknown), faults=self.faults + faults) if unknown else self

    def _has_met_broker(self, person: Reader) -> bool:
        """Whether the broker asked for is of the person's region, or of contracts or entries that they may see."""
        if self.broker is None:
            return True
        of_region = select(Broker.id).join(Region, Region.code == Broker.region_code)
        met = (
            of_region.where(Broker.id == self.broker, Region.path.startswith(person.region.path)).exists(),
            select(Contract.id).where(Contract.broker_id == self.broker, may_see(person)).exists(),
            select(LedgerEntry.id).where(LedgerEntry.broker_id == self.broker, may_see(person, LedgerEntry)).exists(),
        )
        return bool(db.session.scalar(select(or_(*met))))

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
    def is_of_money(self) -> bool:
        """Whether the rows are money that came in or was verified later: they have amounts of their own."""
        return self.is_counted and self.cause in OF_MONEY

    @property
    def counts_by_day(self) -> bool:
        """Whether the days asked for are those on which something was counted."""
        return self.is_counted and self.date_kind is DateKind.REGISTERED

    def matching(self, person: Reader, *, with_contract: bool = False) -> Select[Any]:
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

    def _asked(self, of: Placed, person: Reader) -> Iterable[ColumnElement[bool]]:
        """What is asked of a contract as it is, or of an entry as it was counted."""
        if self.year:
            yield from self._asked_of_entry(person)
        elif self.unit is not None:
            yield of.unit_code == self.unit
        if self.mine:
            yield of.filed_by_id == person.id
        for column, value in (
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
        for column, lists, value in (
            (of.ip_code, IpKind, self.ip),
            (of.plan_source_code, PlanSource, self.plan_source),
            (of.payment_model_code, PaymentModel, self.payment_model),
        ):
            if value is not None:
                yield column.in_(codes_under(lists, value))
        for name in self.lacking:
            yield getattr(of, COLUMNS[name]).is_(None)
        yield from self._asked_of_parties(of)

    def _asked_of_entry(self, person: Reader) -> Iterator[ColumnElement[bool]]:
        """What was counted: when, for what, and by whose place. ``PLACES`` says which place a caliber goes by."""
        yield LedgerEntry.counts_on.between(*self.edges)
        yield LedgerEntry.cause == self.cause if self.cause else LedgerEntry.cause.in_(OF_REGISTRATION)
        place = getattr(LedgerEntry, PLACES[self.caliber])
        if self.unit is not None:
            yield place == self.unit
        if not self.mine and person.roles & READERS:
            # What they filed elsewhere is theirs to see, and belongs to no total of their region.
            yield in_region_of(person, LedgerEntry)
        if self.unit is None and self.caliber is not Caliber.REGISTERED:
            yield place.is_not(None) if sees_all_units(person) else place == LedgerEntry.unit_code

    @property
    def edges(self) -> tuple[date, date]:
        """The first and the last day on which something counts that is asked for; with a year only."""
        assert self.year is not None
        first, last = year_edges(self.since or self.year)[0], year_edges(self.year)[1]
        if self.counts_by_day:
            first, last = max(first, self.date_from or first), min(last, self.date_to or last)
        return first, last

    def _asked_of_parties(self, of: Placed) -> Iterator[ColumnElement[bool]]:
        """Their kinds, where technology goes and how large the contract is: kept on an entry, worked out otherwise."""
        kinds = (("seller", self.seller_kind), ("buyer", self.buyer_kind))
        for party, kind in kinds:
            if kind is not None:
                codes = codes_under(PartyType, kind)
                if of is LedgerEntry:
                    yield getattr(LedgerEntry, f"{party}_kind_code").in_(codes)
                else:
                    firms = select(Enterprise.id).where(Enterprise.party_type_code.in_(codes))
                    yield getattr(Contract, f"{party}_id").in_(firms)
        if self.band:
            yield LedgerEntry.amount_band == self.band if of is LedgerEntry else _in_band(self.band)
        if self.flow:
            yield LedgerEntry.flow == self.flow if of is LedgerEntry else _flows(self.flow)

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


def codes_under(codes: type[CodeList], code: str) -> Select[Any]:
    """A code of a list and every code below it; the lists have three levels at most."""
    own: Any = codes  # a mixin: its columns are those of the table that it is mixed into
    children = select(own.code).where(own.parent_code == code)
    return select(own.code).where(
        or_(own.code == code, own.parent_code == code, own.parent_code.in_(children.scalar_subquery()))
    )


def _in_band(band: Band) -> ColumnElement[bool]:
    edge, end = EDGES[band], ENDS[band]
    return Contract.total_amount >= edge if end is None else Contract.total_amount.between(edge, end - _FEN)


def _flows(flow: Flow) -> ColumnElement[bool]:
    """Contracts whose parties are where they are now so that technology goes this way."""
    here = Region.path.startswith(home_path())
    firms = select(Enterprise.id).join(Region, Region.code == Enterprise.region_code)
    abroad = firms.where(Region.code == ABROAD)
    ends = [(party.in_(firms.where(here)), party.in_(abroad)) for party in (Contract.seller_id, Contract.buyer_id)]
    (seller_here, seller_abroad), (buyer_here, buyer_abroad) = ends
    if flow is Flow.ABROAD:
        return or_(seller_abroad, buyer_abroad)
    from_here, to_here = flow in (Flow.WITHIN, Flow.OUT), flow in (Flow.WITHIN, Flow.IN)
    return and_(
        Contract.seller_id.is_not(None),
        Contract.buyer_id.is_not(None),
        ~seller_abroad,
        ~buyer_abroad,
        seller_here if from_here else ~seller_here,
        buyer_here if to_here else ~buyer_here,
    )


_FEN = Decimal("0.01")


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
    "ip": (IpKind.code, IpKind.name),
    "plan_source": (PlanSource.code, PlanSource.name),
    "payment_model": (PaymentModel.code, PaymentModel.name),
    "seller_kind": (PartyType.code, PartyType.name),
    "buyer_kind": (PartyType.code, PartyType.name),
    "enterprise": (Enterprise.id, Enterprise.name),
}
_CALLED = {
    "unit": "考核单元",
    "town": "镇街",
    "type": "合同类型",
    "field": "技术领域",
    "platform": "创新平台",
    "broker": "技术经纪人",
    "ip": "知识产权",
    "plan_source": "计划来源",
    "payment_model": "支付方式",
    "seller_kind": "卖方类别",
    "buyer_kind": "买方类别",
    "enterprise": "单位",
}
_PLAIN = ("year", "since", *_CALLED, "flow", "band", "date_from", "date_to")  # what an address has as it is kept
_PREFIX = {"broker": "经纪人 ", "seller_kind": "卖方 ", "buyer_kind": "买方 "}
# By which column of an entry a caliber counts.
PLACES = {
    Caliber.REGISTERED: "unit_code",
    Caliber.OUTPUT: "seller_unit_code",
    Caliber.ABSORBED: "buyer_unit_code",
}
COLUMNS = {
    "town": "town_code",
    "field": "field_code",
    "platform": "platform_id",
    "broker": "broker_id",
    "ip": "ip_code",
    "plan_source": "plan_source_code",
    "payment_model": "payment_model_code",
}
LACKABLE = {name: _CALLED[name] for name in COLUMNS}
_AMOUNTS = ("amount_from", "amount_to")


def _wan(amount: Decimal | None) -> str:
    """元 as 万元 without loss and without needless noughts: 20, 0.005."""
    return "" if amount is None else f"{amount.scaleb(-4).normalize():f}"


def _between(first: str, last: str) -> str:
    if first and last:
        return f"{first} 至 {last}"
    return f"≥ {first}" if first else f"≤ {last}"
