"""The table of totals as a workbook, as .csv and as data, with the words that say what it is."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flask import Response, send_file

from contracts_app.accounts.models import User
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import local, now_utc
from contracts_app.core.sheets.writer import (
    CSV_MIME,
    JSON_MIME,
    XLSX_MIME,
    As,
    Cell,
    Column,
    Sheet,
    csv_lines,
    write_workbook,
)
from contracts_app.statistics.measures import GROWTH, MEASURES, SHARE, Kind

from .crosstab import Figure, Head, Row, Table, Written
from .printing import four_places


@dataclass(frozen=True)
class FileKind:
    """A kind of file the table can be had as."""

    ending: str
    mime: str
    write: Callable[[Table, User], bytes]

    def response(self, table: Table, person: User) -> Response:
        """The file, to be saved under a name that says what it is."""
        question = table.question
        years = f"{question.query.since}-{question.query.year}" if question.query.since else f"{question.query.year}"
        name = f"{years}年{question.title.replace('：', '-').replace(' × ', '×')}.{self.ending}"
        content = io.BytesIO(self.write(table, person))
        return send_file(content, self.mime, as_attachment=True, download_name=name)


def as_data(table: Table) -> dict[str, Any]:
    """Everything for a program: amounts in 元 as text with two decimals, shares and growth as text with four."""
    question, (first, last) = table.question, table.question.edges
    return {
        "query": question.to_args(),
        "sentence": question.query.sentence(),
        "caliber": {"code": question.query.caliber.value, "label": question.query.caliber.label},
        "first_day": first.isoformat(),
        "as_of": last.isoformat(),
        "generated_at": now_utc().isoformat(),
        "heads": [
            {"code": head.code, "key": head.key, "label": head.label, "measure": head.measure.code, "unit": _unit(head)}
            for head in table.heads
        ],
        "rows": [{"key": row.key, "name": row.name, "values": _values(row.figures)} for row in table.rows],
        "total": _values(table.foot),
    }


def _values(figures: Sequence[Figure]) -> list[str | int | None]:
    return [_plain(figure) for figure in figures]


def _plain(figure: Figure) -> str | int | None:
    if figure.value is None or figure.head.written is Written.MEASURE:
        return figure.head.measure.plain(figure.value)
    return four_places(Fraction(figure.value))


def _unit(head: Head) -> str:
    return head.measure.unit if head.written is Written.MEASURE else "1"


def _csv(table: Table, person: User) -> bytes:
    rows = [_cells(row.name, row.figures) for row in [*table.rows, _total(table)]]
    return b"".join(csv_lines(_columns(table), rows))


def _workbook(table: Table, person: User) -> bytes:
    question = table.question
    main = Sheet(
        "统计表",
        _columns(table),
        [_cells(row.name, row.figures) for row in table.rows],
        title=question.title,
        notes=[f"{question.query.sentence()} · {_span(table)} · {question.query.caliber.label}"],
        foot=[_cells("合计", table.foot)],
    )
    content = io.BytesIO()
    write_workbook(content, [main, definitions(_about(table, person))])
    return content.getvalue()


def definitions(about: Sequence[tuple[str, str]]) -> Sheet:
    """The sheet that says what the figures are: what was asked, by whom and when, and every definition."""
    words = [
        *about,
        *((one.label, one.definition) for one in Caliber),
        *((one.label, one.definition) for one in MEASURES.values()),
        ("占比", SHARE),
        ("同比", GROWTH),
    ]
    return Sheet("口径说明", [Column("项目", width=18), Column("说明", width=100)], words)


def _about(table: Table, person: User) -> list[tuple[str, str]]:
    question = table.question
    return [
        ("统计表", question.title),
        ("条件", question.query.sentence()),
        ("期间", _span(table)),
        ("本表口径", question.query.caliber.label),
        ("生成时间", f"{local(now_utc()):%Y-%m-%d %H:%M}"),
        ("生成人", f"{person.region.name} {person.name}"),
    ]


def _span(table: Table) -> str:
    first, last = table.question.edges
    return f"{first.isoformat()} 至 {last.isoformat()}"


def _columns(table: Table) -> list[Column]:
    return [Column(table.question.rows.label, width=22), *(_column(head) for head in table.heads)]


def _column(head: Head) -> Column:
    if head.written is not Written.MEASURE:
        return Column(head.label, As.PERCENT, 12)
    if head.measure.kind is Kind.COUNT:
        return Column(f"{head.label}（{head.measure.unit}）", As.COUNT, 12)
    return Column(f"{head.label}（万元）", As.WAN, 16)


def _cells(name: str, figures: Sequence[Figure]) -> list[Cell]:
    return [name, *(figure.value for figure in figures)]


def _total(table: Table) -> Row:
    return Row("", "合计", None, table.foot, 0, 0)


def _json(table: Table, person: User) -> bytes:
    return json.dumps(as_data(table), ensure_ascii=False, indent=1).encode()


KINDS = {
    "xlsx": FileKind("xlsx", XLSX_MIME, _workbook),
    "csv": FileKind("csv", CSV_MIME, _csv),
    "json": FileKind("json", JSON_MIME, _json),
}
