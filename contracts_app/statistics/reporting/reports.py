"""What a report of a region and period says: by unit, by month and by every facet, against last year and the task.

Page, workbook, PDF and command print the same ``Report``. Caliber 登记; amounts are 元. The period is compared with the
same days of last year; a task is held against everything since 1 January, whichever the period. Statements do not grow
with contracts, except for the list of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

from sqlalchemy.orm import aliased

from contracts_app.accounts.models import Reader
from contracts_app.codes.models import ContractType
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Cause, LedgerEntry
from contracts_app.contracts.counting.dimensions import DIMENSIONS, Dimension
from contracts_app.contracts.counting.totals import Sums, added, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import month_edges, share_of_year_elapsed, year_edges
from contracts_app.core.codes import mask_name
from contracts_app.core.db import db
from contracts_app.core.words import Word
from contracts_app.enterprises.facts import NATURAL_PERSON
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Region, Unit
from contracts_app.rules.queries import rules_within
from contracts_app.statistics.measures import MEASURES
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing.sentences import Facts, Sentence, sentence_of
from contracts_app.statistics.ranking import rank
from contracts_app.statistics.sums import growth_of
from contracts_app.targets.queries import targets_for

TASK = "total_amount"
FACETS = ("type", "field", "ip", "plan_source", "seller_kind", "buyer_kind", "flow", "band")
LONGEST_LIST = 5_000  # rows of the list of contracts; the rest is told of as one line
NOTHING = Sums()


class Kind(Word):
    """The reports a bureau makes (domain facts 7.3)."""

    MONTHLY = "monthly", "月度快报"
    JOINT = "joint", "合并快报"
    QUARTERLY = "quarterly", "季报"
    HALF = "half", "半年报（双过半）"
    THREE_QUARTERS = "three_quarters", "三季度报"
    SECOND_HALF = "second_half", "下半年报"
    YEARLY = "yearly", "年报"
    PROGRESS = "progress", "年度进度"
    RUNNING = "running", "累计快报"


def kind_of(period: Period, on: date) -> Kind:
    """What a report of this period is called as it stands at the end of a day: a 年报 is of a year that is over."""
    first, last = period.first_month, period.last_month
    if (first, last) == (1, 12) and period.until(on) < period.last:
        return Kind.PROGRESS
    if (first, last) in _KINDS:
        return _KINDS[first, last]
    if first == last:
        return Kind.MONTHLY
    return Kind.QUARTERLY if last - first == 2 and first % 3 == 1 else Kind.RUNNING


_KINDS = {(1, 12): Kind.YEARLY, (1, 6): Kind.HALF, (7, 12): Kind.SECOND_HALF}
_KINDS |= {(1, 9): Kind.THREE_QUARTERS, (1, 2): Kind.JOINT}


def periods_to_report(year: int, on: date) -> list[Period]:
    """Every report of a year that has begun by a day: the year, halves and three quarters, quarters, months."""
    spans = [(1, 12), (1, 6), (7, 12), (1, 9), *((first, first + 2) for first in (1, 4, 7, 10)), (1, 2)]
    spans += [(month, month) for month in range(1, 13)]
    periods = (Period(year, *span) for span in spans)
    return [period for period in periods if period.has_begun(on)]


# --- lines -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A row of any table: the period, and the same days of last year; each with the contracts behind it."""

    key: str
    name: str
    now: Sums
    before: Sums
    query: ContractQuery
    query_before: ContractQuery

    @property
    def growth(self) -> Fraction | None:
        return growth_of(self.now.total_amount, self.before.total_amount)

    @property
    def growth_in_number(self) -> Fraction | None:
        return growth_of(self.now.contracts, self.before.contracts)

    def share_of(self, whole: Sums) -> Fraction | None:
        return Fraction(self.now.total_amount) / Fraction(whole.total_amount) if whole.total_amount > 0 else None


@dataclass(frozen=True)
class UnitLine(Line):
    """A unit, or all of them: besides, what it counted since 1 January, its task, and its places by both."""

    running: Sums = NOTHING
    running_before: Sums = NOTHING
    received: Decimal = Decimal(0)  # in the period, whatever the year of the registration
    verified: Decimal = Decimal(0)
    target: Decimal | None = None
    measured: Decimal = Decimal(0)  # of `running`, what is held against the target
    is_ranked: bool = False  # beside others, or there is nobody to be before or behind
    rank_by_amount: int | None = None  # none for who registered nothing
    rank_by_completion: int | None = None

    @property
    def completion(self) -> Fraction | None:
        return Fraction(self.measured) / Fraction(self.target) if self.target else None

    @property
    def gap(self) -> Decimal | None:
        return self.target - self.measured if self.target else None

    @property
    def running_growth(self) -> Fraction | None:
        return growth_of(self.running.total_amount, self.running_before.total_amount)


@dataclass(frozen=True)
class Table:
    """The period split by one facet; lines in the order of the facet's list, those of nothing left out."""

    dimension: Dimension
    lines: Sequence[Line]

    @property
    def total(self) -> Sums:
        return added(line.now for line in self.lines)

    @property
    def total_before(self) -> Sums:
        return added(line.before for line in self.lines)


@dataclass(frozen=True)
class MonthLine(Line):
    """A month of the year, and the year up to its end."""

    running: Sums = NOTHING
    running_before: Sums = NOTHING


@dataclass(frozen=True)
class Row:
    """An entry of the ledger as the list shows it. Names of natural persons are masked."""

    contract_id: int
    counts_on: date
    cause: Cause
    number: str
    title: str
    type: str
    seller: str
    buyer: str
    unit: str
    contracts: int
    total_amount: Decimal
    technology_amount: Decimal


@dataclass(frozen=True)
class Report:
    """One report, as it stood at the end of the day ``on``."""

    region: Region
    period: Period
    on: date
    facts: Facts
    units: Sequence[UnitLine]
    total: UnitLine
    has_own_task: bool  # of the region itself; else its target is the sum of the units' tasks
    months: Sequence[MonthLine]  # from January to the period's end
    last_year: Sequence[Decimal]  # running amounts at the ends of last year's twelve months; empty where there is none
    tables: Sequence[Table]
    documents: Sequence[str]  # that set the tasks
    rules: str
    sentence: Sentence

    @property
    def kind(self) -> Kind:
        return kind_of(self.period, self.on)

    @property
    def is_empty(self) -> bool:
        """Nothing counted since January, and nothing asked for."""
        money = self.total.received or self.total.verified
        return not (self.total.running.rows or money or self.total.target)

    @property
    def until(self) -> date:
        return self.period.until(self.on)

    @property
    def is_running(self) -> bool:
        """Whether the period has days to come."""
        return self.until < self.period.last

    @property
    def title(self) -> str:
        return f"{self.period.name}{self.region.name}技术合同认定登记{self.kind.label}"

    @property
    def is_of_parts(self) -> bool:
        """Whether its target is only what its units were asked for: nobody asked anything of the region itself."""
        return len(self.units) > 1 and not self.has_own_task and self.total.target is not None

    @property
    def knows_last_year(self) -> bool:
        """Whether anything was counted last year: if not, it was not kept here, and is no nought to compare with."""
        return bool(self.last_year)

    @property
    def on_last_year(self) -> str:
        """What a file has to say where its columns of last year are of a year that was not kept."""
        return "" if self.knows_last_year else "（系统没有那一年的数，上年各列的 0 不是实数）"

    @property
    def pace(self) -> Fraction:
        """序时进度 at the report's last day."""
        return Fraction(share_of_year_elapsed(self.until, self.period.year))

    @property
    def caliber(self) -> Caliber:
        return self.facts.caliber

    @property
    def span(self) -> str:
        """The days it covers."""
        return f"{self.period.first} 至 {self.until}"

    @property
    def span_before(self) -> str:
        first, last = self.period.days_before(self.on)
        return f"{first} 至 {last}"

    @property
    def ranked(self) -> list[UnitLine]:
        return sorted(self.units, key=lambda line: (-line.running.total_amount, line.key))


# --- making one ------------------------------------------------------------------------------------------------------


def report(region: Region, period: Period, reader: Reader, on: date) -> Report:
    """The report of a region that has units. The reader sees the figures of that region, or it shows nothing."""
    facts = Facts(region, period, reader, Caliber.REGISTERED, on)
    running = _by_unit_and_month(facts.since_january, reader)
    before = _by_unit_and_month(_a_year_before(facts), reader)
    received, verified = (_of_money(facts, name) for name in ("received_amount", "verified_income"))
    codes = [unit.code for unit in facts.units]
    tasks = targets_for(period.year, TASK, [*codes, region.code], on=facts.until) if codes else {}
    lines = _unit_lines(facts, running, before, received, verified, {code: tasks[code].value for code in tasks})
    own = tasks.get(region.code) if len(codes) > 1 else None
    return Report(
        region=region,
        period=period,
        on=on,
        facts=facts,
        units=lines,
        total=_total(facts, lines, own.value if own else None),
        has_own_task=own is not None,
        months=_months(facts, running, before),
        last_year=_last_year(facts),
        tables=[_table(facts, DIMENSIONS[code]) for code in FACETS] if codes else [],
        documents=list(dict.fromkeys(task.document for task in tasks.values())),
        rules=rules_within(period.first, facts.until),
        sentence=sentence_of(facts),
    )


Cells = Mapping[tuple[str, str], Sums]  # by unit and month: 2025-03


def _by_unit_and_month(query: ContractQuery, reader: Reader) -> Cells:
    found = totals(query, reader, [DIMENSIONS["unit"], DIMENSIONS["month"]])
    return {(unit, month[5:]): sums for (unit, month), sums in found.items()}


def _last_year(facts: Facts) -> list[Decimal]:
    """The whole of last year, month upon month."""
    whole = replace(facts.query, year=facts.period.year - 1, date_from=None, date_to=None)
    found = {
        month[5:]: sums.total_amount for (month,), sums in totals(whole, facts.reader, [DIMENSIONS["month"]]).items()
    }
    months = accumulate(found.get(f"{month:02d}", Decimal(0)) for month in range(1, 13))
    return list(months) if found else []


def _a_year_before(facts: Facts) -> ContractQuery:
    """Since 1 January of the year before, as many days as are over."""
    first, last = replace(facts.period, first_month=1).days_before(facts.on)
    return _of_days(facts.query, first, last)


def _of_days(query: ContractQuery, first: date, last: date) -> ContractQuery:
    whole = (first, last) == year_edges(first.year)
    return replace(query, year=first.year, date_from=None if whole else first, date_to=None if whole else last)


def _of_money(facts: Facts, name: str) -> Mapping[str, Decimal]:
    measure = MEASURES[name]
    found = totals(measure.asked(facts.query), facts.reader, [DIMENSIONS["unit"]])
    return {unit: getattr(sums, name) for (unit,), sums in found.items()}


def _in(cells: Cells, unit: str | None, first: int, last: int) -> Sums:
    """Of a unit, or of all, from one month to another."""
    months = {f"{month:02d}" for month in range(first, last + 1)}
    return added(sums for (code, month), sums in cells.items() if month in months and unit in (None, code))


def _unit_lines(
    facts: Facts,
    running: Cells,
    before: Cells,
    received: Mapping[str, Decimal],
    verified: Mapping[str, Decimal],
    tasks: Mapping[str, Decimal],
) -> list[UnitLine]:
    first, last = facts.period.first_month, facts.period.last_month
    lines = []
    for unit in facts.units:
        year = _in(running, unit.code, 1, last)
        lines.append(
            UnitLine(
                key=unit.code,
                name=unit.name,
                now=_in(running, unit.code, first, last),
                before=_in(before, unit.code, first, last),
                query=replace(facts.query, unit=unit.code),
                query_before=replace(facts.query_before, unit=unit.code),
                running=year,
                running_before=_in(before, unit.code, 1, last),
                received=received.get(unit.code, Decimal(0)),
                verified=verified.get(unit.code, Decimal(0)),
                target=tasks.get(unit.code),
                measured=year.total_amount,
            )
        )
    if len(lines) < 2:
        return lines
    amounts = rank({line.key: line.running.total_amount for line in lines})
    completions = rank({line.key: line.completion for line in lines if line.completion is not None})
    return [
        replace(
            line,
            is_ranked=True,
            rank_by_amount=amounts.get(line.key),
            rank_by_completion=completions.get(line.key),
        )
        for line in lines
    ]


def _total(facts: Facts, lines: Sequence[UnitLine], own: Decimal | None) -> UnitLine:
    """All units. A task of the region itself stands for all; else only units with a task count against their sum."""
    with_task = [line for line in lines if own is not None or line.target is not None]
    target = own if own is not None else sum((line.target or Decimal(0) for line in with_task), Decimal(0))
    return UnitLine(
        key="",
        name="合计",
        now=added(line.now for line in lines),
        before=added(line.before for line in lines),
        query=facts.query,
        query_before=facts.query_before,
        running=added(line.running for line in lines),
        running_before=added(line.running_before for line in lines),
        received=sum((line.received for line in lines), Decimal(0)),
        verified=sum((line.verified for line in lines), Decimal(0)),
        target=target or None,
        measured=sum((line.running.total_amount for line in with_task), Decimal(0)),
    )


def _months(facts: Facts, running: Cells, before: Cells) -> list[MonthLine]:
    year, lines = facts.period.year, []
    for month in range(1, facts.until.month + 1):
        first, last = month_edges(year, month)
        query = _of_days(facts.query, first, min(last, facts.until))
        first_before, last_before = Period(year, month, month).days_before(facts.until)
        lines.append(
            MonthLine(
                key=f"{month:02d}",
                name=f"{month}月",
                now=_in(running, None, month, month),
                before=_in(before, None, month, month),
                query=query,
                query_before=_of_days(facts.query, first_before, last_before),
                running=_in(running, None, 1, month),
                running_before=_in(before, None, 1, month),
            )
        )
    return lines


def _table(facts: Facts, dimension: Dimension) -> Table:
    now, before = facts.by(dimension.code), facts.by(dimension.code, before=True)
    kept = {key for found in (now, before) for key, sums in found.items() if sums.rows}
    order = [key for key in dimension.names() if key in kept]
    lines = [
        Line(
            key,
            dimension.name_of(key),
            now.get(key, NOTHING),
            before.get(key, NOTHING),
            dimension.narrowed(facts.query, key),
            dimension.narrowed(facts.query_before, key),
        )
        for key in (*order, *sorted(kept - set(order)))
    ]
    return Table(dimension, lines)


# --- the list --------------------------------------------------------------------------------------------------------

_Seller, _Buyer = aliased(Enterprise), aliased(Enterprise)


def rows(made: Report, most: int = LONGEST_LIST) -> list[Row]:
    """The entries that make the period, the oldest first, no more than ``most``."""
    wanted = made.facts.query.matching(made.facts.reader, with_contract=True)
    columns: Sequence[Any] = (
        Contract.id, LedgerEntry.counts_on, LedgerEntry.cause, Contract.registration_number, Contract.title,
        ContractType.name, _Seller.name, _Seller.party_type_code, _Buyer.name, _Buyer.party_type_code, Unit.name,
        LedgerEntry.contracts, LedgerEntry.total_amount, LedgerEntry.technology_amount,
    )  # fmt: skip
    statement = (
        wanted.with_only_columns(*columns, maintain_column_froms=True)
        .outerjoin(ContractType, ContractType.code == LedgerEntry.type_code)
        .outerjoin(_Seller, _Seller.id == Contract.seller_id)
        .outerjoin(_Buyer, _Buyer.id == Contract.buyer_id)
        .outerjoin(Unit, Unit.code == LedgerEntry.unit_code)
        .order_by(LedgerEntry.counts_on, LedgerEntry.id)
        .limit(most)
    )
    return [
        Row(
            *(contract_id, day, cause, number or "", title, kind or ""),
            masked(seller or "", seller_kind),
            masked(buyer or "", buyer_kind),
            *(unit or "", contracts, Decimal(total), Decimal(technology)),
        )
        for (
            *(contract_id, day, cause, number, title, kind, seller, seller_kind, buyer, buyer_kind, unit),
            contracts,
            total,
            technology,
        ) in db.session.execute(statement)
    ]


def masked(name: str, kind: str | None) -> str:
    """The name of a party as a file that leaves the system has it: of a natural person only the surname."""
    return mask_name(name) if kind == NATURAL_PERSON else name


def left_out(made: Report, listed: Iterable[Row]) -> Sums:
    """What the period counts beyond the rows listed."""
    shown = list(listed)
    whole = made.total.now
    return Sums(
        whole.rows - len(shown),
        whole.contracts - sum(row.contracts for row in shown),
        whole.total_amount - sum((row.total_amount for row in shown), Decimal(0)),
        whole.technology_amount - sum((row.technology_amount for row in shown), Decimal(0)),
    )


def definitions(made: Report) -> list[tuple[str, str]]:
    """What every figure of the report means, in the order in which they stand."""
    measures = [(measure.label, measure.definition) for measure in MEASURES.values()]
    return [
        ("口径", f"{made.caliber.label}。{made.caliber.definition}"),
        ("其他口径", "".join(f"{one.label}：{one.definition}" for one in Caliber if one is not made.caliber)),
        *measures,
        ("本期", f"{made.span}，按计入日期。"),
        (
            "上年同期",
            f"{made.span_before}，一年前的同样几天。"
            + ("" if made.knows_last_year else "系统没有那一年的数：不是 0，不作比较。"),
        ),
        ("同比", "（本期 − 上年同期）÷ 上年同期；上年同期为 0 或没有时不计，写“—”。"),
        ("年初累计", f"{made.period.year}-01-01 至 {made.until}。"),
        ("完成率", "年初累计成交额 ÷ 期末有效的年度任务，不封顶；没有任务的单元不计，不参加完成率排名。"),
        (
            "合计的完成率",
            "本地区自己有任务的，用全部单元对这个任务，没有单独下达任务的单元也在分子里；"
            "没有的，是各单元任务合计的完成率，只用下达了任务的单元。",
        ),
        ("双过半", "6 月 30 日累计达到年度任务的一半；任务用当天有效的版本，以后修订的不影响，与年度总览相同。"),
        ("差额", "年度任务 − 年初累计成交额；负数是超出。"),
        ("名次", "按年初累计成交额、按完成率分别排；相同的并列，下一名顺延；没有成交额的不排。"),
        ("占比", "占本期成交额合计的比例。"),
        ("序时进度", "期末那天已过的天数 ÷ 全年天数。"),
        ("金额单位", "万元，先按分合计，显示时取两位小数。"),
        ("公布数", "文件和报道里公布的数与系统合计分开列，不互相代替；待核、缺数的不进图表和增长。"),
        ("规则版本", made.rules),
        ("任务文件", "、".join(made.documents) or "没有有效的年度任务"),
    ]
