"""Totals as the command line prints them: in 元, with signs for people, plain and exact for programs."""

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from contracts_app.accounts.models import Reader
from contracts_app.contracts.books.ledger import OF_MONEY
from contracts_app.contracts.counting.dimensions import DIMENSIONS, Dimension
from contracts_app.contracts.counting.totals import Sums, added, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.sheets import printed
from contracts_app.core.web.filters import growth, percent
from contracts_app.regions.models import Unit
from contracts_app.statistics.measures import PLAIN, Kind
from contracts_app.statistics.overview.queries import unit_totals
from contracts_app.statistics.overview.year import YearLine
from contracts_app.statistics.sums import growth_of

from .crosstab import cells
from .question import Question

Value = str | int | Decimal | Fraction | None  # Decimal in 元, Fraction a share or a growth
Row = dict[str, Value]
_OF_UNITS = {
    "unit": "考核单元",
    "contracts": "项数",
    "total_amount": "成交额（元）",
    "technology_amount": "技术交易额（元）",
    "target": "年度任务（元）",
    "completion": "完成率",
}
# What can be shown besides, of the total amount: as the page of totals has it.
MORE = {"average": "平均每项（元）", "share": "占比", "before": "上年同期（元）", "growth": "同比"}
_TOTAL = "合计"


@dataclass(frozen=True)
class Printed:
    """A table: the columns by key, the rows, and what they come to."""

    columns: Mapping[str, str]
    rows: Sequence[Row]
    total: Row
    texts: int  # so many columns at the beginning are words


def of_units(year: int, units: Sequence[Unit], more: Collection[str]) -> Printed:
    """A row for each assessment unit, held against its task; the whole is held against the task of the whole."""
    lines, whole = unit_totals(year, units)
    columns = _OF_UNITS | {name: words for name, words in MORE.items() if name in more}

    def row(name: str, line: YearLine) -> Row:
        figures, earlier = line.counted, line.same_period.total_amount
        plain: Row = {
            "unit": name,
            "contracts": figures.contracts,
            "total_amount": figures.total_amount,
            "technology_amount": figures.technology_amount,
            "target": line.target,
            "completion": line.completion,
        }
        return plain | _more(more, figures.contracts, figures.total_amount, whole.counted.total_amount, earlier)

    return Printed(columns, [row(line.name, line) for line in lines], row(_TOTAL, whole), texts=1)


def _more(more: Collection[str], contracts: int, amount: Decimal, whole: Decimal, earlier: Decimal) -> Row:
    found: Row = {
        "average": (Decimal(amount) / contracts).quantize(_FEN, ROUND_HALF_UP) if contracts > 0 else None,
        "share": Fraction(amount) / Fraction(whole) if whole > 0 else None,
        "before": earlier or None,
        "growth": growth_of(amount, earlier),
    }
    return {name: value for name, value in found.items() if name in more}


def dimensions_of(text: str) -> list[Dimension]:
    """The one or two dimensions that are named, parted by a comma. Raises ``ValueError`` with what can be named."""
    codes = [code.strip() for code in text.split(",")]
    if unknown := [code for code in codes if code not in DIMENSIONS]:
        raise ValueError(f"没有维度“{unknown[0]}”。可用：{'、'.join(DIMENSIONS)}")
    if len(codes) > 2 or len(set(codes)) < len(codes):
        raise ValueError("写一个或两个不同的维度，用逗号分开，例如 unit,type")
    return [DIMENSIONS[code] for code in codes]


def query_of(
    year: int, since: int | None, caliber: str | None, as_of: datetime | None, unit: str | None
) -> ContractQuery:
    """What the options ask. Raises ``ValueError`` with the sentences of what cannot be asked."""
    asked = {"year": year, "since": since, "caliber": caliber, "unit": unit}
    query = ContractQuery.from_args({name: str(value) for name, value in asked.items() if value}).known()
    faults = [sentence for _, sentence in query.faults]
    if as_of and as_of.date() < query.edges[0]:
        faults.append(f"截至日期早于 {query.edges[0].isoformat()}，核对年度后重新填写")
    if faults:
        raise ValueError("；".join(faults))
    return replace(query, date_to=as_of.date()) if as_of and as_of.date() < query.edges[1] else query


def _columns_by(by: Sequence[Dimension]) -> dict[str, str]:
    """The columns of totals by these dimensions: key and name of each, the number of contracts, the four amounts."""
    keys = {f"{one.code}{end}": f"{one.label}{word}" for one in by for end, word in (("", "代码"), ("_name", ""))}
    return keys | {one.code: one.label + ("（元）" if one.kind is Kind.MONEY else "") for one in PLAIN}


def of_dimensions(query: ContractQuery, person: Reader, by: Sequence[Dimension], more: Collection[str]) -> Printed:
    """A row for each key, or pair of keys, for which anything was counted; the key of none is empty.

    Where last year is asked for, also what was counted only then.
    """
    found: dict[tuple[str, ...], Sums] = {}
    for cause in (query.cause, *sorted(OF_MONEY)):
        for keys, sums in totals(replace(query, cause=cause), person, by).items():
            found[keys] = found.get(keys, Sums()) + sums
    before: dict[tuple[str, ...], Sums] = {}
    if {"before", "growth"} & set(more):
        earlier = Question(query, by[0], by[1] if len(by) > 1 else None).before
        before = {keys[: len(by)]: sums for keys, sums in cells(earlier, person, by, years=1).items()}
        found = dict.fromkeys(before, Sums()) | found
    places = [{key: place for place, key in enumerate(one.names())} for one in by]

    def order(keys: tuple[str, ...]) -> list[tuple[bool, int, str]]:
        return [(key == "", among.get(key, len(among)), key) for key, among in zip(keys, places, strict=True)]

    whole, whole_before = added(found.values()), added(before.values())

    def figures(sums: Sums, earlier: Sums) -> Row:
        plain: Row = {one.code: int(sums.contracts) if one.kind is Kind.COUNT else one.of(sums) for one in PLAIN}
        return plain | _more(more, sums.contracts, sums.total_amount, whole.total_amount, earlier.total_amount)

    rows: list[Row] = [
        {
            **{f"{one.code}": key for one, key in zip(by, keys, strict=True)},
            **{f"{one.code}_name": one.name_of(key) for one, key in zip(by, keys, strict=True)},
            **figures(found[keys], before.get(keys, Sums())),
        }
        for keys in sorted(found, key=order)
    ]
    words: Row = dict.fromkeys((name for one in by for name in (one.code, f"{one.code}_name")), "")
    words[f"{by[0].code}_name"] = _TOTAL
    columns = _columns_by(by) | {name: called for name, called in MORE.items() if name in more}
    return Printed(columns, rows, words | figures(whole, whole_before), texts=2 * len(by))


def as_json(of: Printed, *, total: bool) -> str:
    rows = [{name: _plain(row[name]) for name in of.columns} for row in _rows(of, total)]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_csv(of: Printed, *, total: bool) -> str:
    """The same columns as JSON; what is None there is empty here."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(of.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(row[name]) for name in of.columns} for row in _rows(of, total))
    return text.getvalue().rstrip("\n")


def as_table(of: Printed, *, total: bool) -> str:
    """For people: signs between thousands, per cent, — for none."""
    rows = [[_shown(name, row[name]) for name in of.columns] for row in _rows(of, total)]
    return printed.table(list(of.columns.values()), rows, of.texts)


def _rows(of: Printed, total: bool) -> list[Row]:
    return [*of.rows, of.total] if total else list(of.rows)


def _plain(value: Value) -> str | int | None:
    """Amounts with two decimals, shares and growth with four."""
    if isinstance(value, Fraction):
        return four_places(value)
    return f"{value.quantize(_FEN, ROUND_HALF_UP):f}" if isinstance(value, Decimal) else value


def _shown(name: str, value: Value) -> str:
    if isinstance(value, Fraction):
        return growth(value) if name == "growth" else percent(value)
    if value is None:
        return "—"
    return value if isinstance(value, str) else f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


_FEN = Decimal("0.01")
AS: Mapping[str, Callable[..., str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}


def four_places(share: Fraction) -> str:
    """0.9610, half up, from the exact value."""
    return str((Decimal(share.numerator) / share.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP))
