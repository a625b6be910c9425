"""Totals as the command line prints them: exact, in 元, for people and for programs."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from contracts_app.accounts.models import Reader
from contracts_app.contracts.books.ledger import OF_MONEY
from contracts_app.contracts.counting.dimensions import DIMENSIONS, Dimension
from contracts_app.contracts.counting.totals import Sums, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.statistics.measures import PLAIN, Kind
from contracts_app.statistics.overview.queries import UnitLine

COLUMNS = {
    "unit": "考核单元",
    "contracts": "项数",
    "total_amount": "成交额（元）",
    "technology_amount": "技术交易额（元）",
    "target": "年度任务（元）",
    "completion": "完成率",
}
Row = dict[str, str | int | None]


def rows(lines: Sequence[UnitLine]) -> list[Row]:
    """One plain row a unit: amounts in 元 with two decimals, completion as a fraction with four, None for no target."""
    return [
        {
            "unit": line.name,
            "contracts": line.counted.contracts,
            "total_amount": f"{line.counted.total_amount:.2f}",
            "technology_amount": f"{line.counted.technology_amount:.2f}",
            "target": None if line.target is None else f"{line.target:.2f}",
            "completion": None if line.completion is None else four_places(line.completion),
        }
        for line in lines
    ]


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


def columns_by(by: Sequence[Dimension]) -> dict[str, str]:
    """The columns of totals by these dimensions: key and name of each, the number of contracts, the four amounts."""
    keys = {f"{one.code}{end}": f"{one.label}{word}" for one in by for end, word in (("", "代码"), ("_name", ""))}
    return keys | {one.code: one.label + ("（元）" if one.kind is Kind.MONEY else "") for one in PLAIN}


def rows_by(query: ContractQuery, person: Reader, by: Sequence[Dimension]) -> list[Row]:
    """A row for each key, or pair of keys, for which anything was counted; the key of none is empty."""
    found: dict[tuple[str, ...], Sums] = {}
    for cause in (query.cause, *sorted(OF_MONEY)):
        for keys, sums in totals(replace(query, cause=cause), person, by).items():
            found[keys] = found.get(keys, Sums()) + sums
    places = [{key: place for place, key in enumerate(one.names())} for one in by]

    def order(keys: tuple[str, ...]) -> list[tuple[bool, int, str]]:
        return [(key == "", among.get(key, len(among)), key) for key, among in zip(keys, places, strict=True)]

    return [
        {
            **{f"{one.code}": key for one, key in zip(by, keys, strict=True)},
            **{f"{one.code}_name": one.name_of(key) for one, key in zip(by, keys, strict=True)},
            **{measure.code: measure.plain(measure.of(found[keys])) for measure in PLAIN},
        }
        for keys in sorted(found, key=order)
    ]


def as_json(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    return json.dumps([{name: row[name] for name in columns} for row in rows], ensure_ascii=False, indent=2)


def as_csv(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """The same columns as JSON; what is None there is empty here."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def as_table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """A Markdown table with Chinese heads; — for none."""
    texts = sum(name.removesuffix("_name") in DIMENSIONS for name in columns)
    heads = [f"| {' | '.join(columns.values())} |", f"|{' --- |' * texts}{' ---: |' * (len(columns) - texts)}"]
    body = [f"| {' | '.join(_cell(row[name]) for name in columns)} |" for row in rows]
    return "\n".join(heads + body)


def _cell(value: str | int | None) -> str:
    return "—" if value in (None, "") else str(value).replace("|", "｜")


AS: Mapping[str, Callable[[Sequence[Row], Mapping[str, str]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}


def four_places(share: Fraction) -> str:
    """0.9610, half up, from the exact value."""
    return str((Decimal(share.numerator) / share.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP))
