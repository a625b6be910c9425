"""A snapshot's frozen figures as files: a workbook, a plain table, and the very content that the hash is taken over."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xlsxwriter

from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Figures
from contracts_app.core.clock import local
from contracts_app.core.sheets.writer import CSV_MIME, XLSX_MIME, As, Column, Looks, csv_lines
from contracts_app.statistics.measures import PLAIN, Kind

from .snapshot_contents import GROUPS, Tables, rules_of, share_of_task, task_lines
from .snapshots import Frozen

GROUP_WORDS = {"units": "考核单元", "types": "合同类型", "months": "月份"}
_MONEY, _COUNT, _SHARE = "#,##0.00", "#,##0", "0.0%"


@dataclass(frozen=True)
class File:
    """One kind of file: what it is called, and what writes it."""

    label: str
    mime: str
    write: Callable[[Frozen], bytes]


def rows(tables: Tables, names: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Figures]]:
    """Group, key, name and figures of every line of one caliber; the whole first."""
    yield "合计", "", "合计", tables.whole
    for group in GROUPS:
        found = tables.of(group)
        for key, name in names[group]:
            yield GROUP_WORDS[group], key, name, found.get(key, Figures())


def as_json(frozen: Frozen) -> bytes:
    """The content with its hash: written in order of its keys and without spaces, the content gives that SHA-256."""
    held = {"sha256": frozen.snapshot.content_hash, "content": frozen.content}
    return json.dumps(held, ensure_ascii=False, sort_keys=True, indent=2).encode()


def as_csv(frozen: Frozen) -> bytes:
    """Every line of the three calibers; amounts in 元. Begins with the mark by which Excel knows UTF-8."""
    amounts = [
        Column(one.label, As.COUNT) if one.kind is Kind.COUNT else Column(f"{one.label}（万元）", As.WAN)
        for one in PLAIN
    ]
    lines = (
        [caliber.label, group, key, name, *figures]
        for caliber in Caliber
        for group, key, name, figures in rows(frozen.tables(caliber), frozen.content["names"])
    )
    return b"".join(csv_lines([*(Column(head) for head in ("口径", "分组", "代码", "名称")), *amounts], lines))


def as_workbook(frozen: Frozen) -> bytes:
    """What it is, each caliber with its tables, the tasks and the definitions, each on a sheet of its own."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        made = Looks(book)
        looks = {
            "head": made("head"),
            "bold": made("label"),
            "text": made("cell"),
            "money": made("cell", _MONEY),
            "count": made("cell", _COUNT),
            "share": made("cell", _SHARE),
            "wrap": made("plain"),
        }
        _about(book.add_worksheet("说明"), looks, frozen)
        for caliber in Caliber:
            _figures(book.add_worksheet(caliber.label), looks, frozen, caliber)
        _tasks(book.add_worksheet("年度任务"), looks, frozen)
        _definitions(book.add_worksheet("口径与定义"), looks, frozen)
    return out.getvalue()


def _about(sheet: Any, looks: Mapping[str, Any], frozen: Frozen) -> None:
    snapshot, content = frozen.snapshot, frozen.content
    facts = (
        ("发布名称", snapshot.title),
        ("文件或通报", snapshot.document or "—"),
        ("发布日期", str(snapshot.published_on or "—")),
        ("地区", content["region"]["name"]),
        ("期间", f"{content['period']['name']}（{content['period']['first']} 至 {content['until']}）"),
        ("版次", f"第 {snapshot.number} 版"),
        ("取数时间", f"{local(snapshot.as_of):%Y-%m-%d %H:%M:%S}（北京时间）"),
        ("封存人", content["made_by"]["name"]),
        ("规则", rules_of(content)),
        ("软件版本", content["software"]),
        ("校验值（SHA-256）", snapshot.content_hash),
    )
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 80, looks["wrap"])
    for line, (label, value) in enumerate(facts):
        sheet.write_string(line, 0, label, looks["bold"])
        sheet.write_string(line, 1, value)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _figures(sheet: Any, looks: Mapping[str, Any], frozen: Frozen, caliber: Caliber) -> None:
    heads = ["分组", "代码", "名称", *(f"{one.label}（{one.unit}）" for one in PLAIN)]
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, looks["head"])
    sheet.set_column(0, 2, 14)
    sheet.set_column(3, len(heads) - 1, 20)
    for line, (group, key, name, figures) in enumerate(rows(frozen.tables(caliber), frozen.content["names"]), 1):
        for column, words in enumerate((group, key, name)):
            sheet.write_string(line, column, words, looks["text"])
        for column, value in enumerate(figures, 3):
            sheet.write_number(line, column, value, looks["count" if isinstance(value, int) else "money"])
    sheet.freeze_panes(1, 3)
    _on_paper(sheet)


def _tasks(sheet: Any, looks: Mapping[str, Any], frozen: Frozen) -> None:
    heads = ["考核单元", "年度任务（元）", "年初至期末成交额（元）", "完成率", "文件", "版次", "印发日期"]
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, looks["head"])
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 6, 22)
    for line, (name, task) in enumerate(task_lines(frozen.content), 1):
        sheet.write_string(line, 0, name, looks["text"])
        sheet.write_number(line, 1, Decimal(task["value"]), looks["money"])
        sheet.write_number(line, 2, Decimal(task["done"]), looks["money"])
        sheet.write_formula(line, 3, f"=C{line + 1}/B{line + 1}", looks["share"], float(share_of_task(task)))
        for column, value in enumerate((task.get("document"), task.get("version"), task.get("issued_on")), 4):
            sheet.write_string(line, column, str(value or ""), looks["text"])
    sheet.freeze_panes(1, 1)
    _on_paper(sheet)


def _definitions(sheet: Any, looks: Mapping[str, Any], frozen: Frozen) -> None:
    told = frozen.content["definitions"]
    lines = [(one["label"], one["words"]) for part in ("calibers", "measures") for one in told[part].values()]
    lines += [("计入", told["days"]), ("完成率", told["completion"])]
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100, looks["wrap"])
    for line, (label, words) in enumerate(lines):
        sheet.write_string(line, 0, label, looks["bold"])
        sheet.write_string(line, 1, words)
    _on_paper(sheet)


def _on_paper(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&C第 &P 页，共 &N 页")


FILES: Mapping[str, File] = {
    "xlsx": File("Excel 工作簿", XLSX_MIME, as_workbook),
    "csv": File("CSV 表格", CSV_MIME, as_csv),
    "json": File("JSON（含校验值）", "application/json", as_json),
}
