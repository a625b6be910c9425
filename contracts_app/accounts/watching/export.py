"""What was found in the log as a file, for an auditor who takes it along."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from sqlalchemy import Select

from contracts_app.core.clock import local, now_utc
from contracts_app.core.errors import Refused
from contracts_app.core.sheets.writer import CSV_MIME, XLSX_MIME, As, Cell, Column, Sheet, csv_lines, write_workbook
from contracts_app.core.trail import audit
from contracts_app.core.trail.audit import AuditEntry

from .queries import AuditFilter, audit_rows, facts_of, how_many

MOST = 50_000  # entries of a file: some ten seconds of work for a workbook
MIMES = {"xlsx": XLSX_MIME, "csv": CSV_MIME}
COLUMNS = (
    Column("序号", As.TEXT, 10),
    Column("时间", As.TEXT, 20),
    Column("用户名", width=16),
    Column("姓名", width=14),
    Column("操作", width=18),
    Column("对象", width=14),
    Column("对象序号", As.TEXT, 10),
    Column("内容", width=70),
    Column("网络地址", width=18),
    Column("校验值", width=66),
)


def count_for_file(matching: Select[AuditEntry]) -> int:
    """How many entries a file would have; ``Refused`` where they are too many for one."""
    count = how_many(matching)
    if count > MOST:
        raise Refused(f"共 {count:,} 条，一次最多导出 {MOST:,} 条。加上日期、人员或操作等条件，分几次导出。")
    return count


def write(content: BinaryIO, kind: str, matching: Select[AuditEntry], asked: AuditFilter, by: str) -> None:
    """The entries as .csv or .xlsx, the latest first; ``by``: who takes them along."""
    rows = _rows(matching)
    if kind == "csv":
        content.writelines(csv_lines(COLUMNS, rows))
        return
    notes = [f"条件：{asked.sentence()}", f"生成时间：{local(now_utc()):%Y-%m-%d %H:%M}", f"生成人：{by}"]
    write_workbook(content, [Sheet("操作记录", COLUMNS, rows, title="操作记录", notes=notes)])


def _rows(matching: Select[AuditEntry]) -> Iterator[list[Cell]]:
    for entry, name in audit_rows(matching, MOST):
        yield _cells(entry, name)


def _cells(entry: AuditEntry, name: str | None) -> list[Cell]:
    number: Any = entry.subject_id
    return [
        str(entry.id),
        f"{local(entry.at):%Y-%m-%d %H:%M:%S}",
        entry.username,
        name,
        audit.ACTIONS.get(entry.action, entry.action),
        audit.SUBJECTS.get(entry.subject, entry.subject),
        "" if number is None else str(number),
        "；".join(f"{fact}：{value}" for fact, value in facts_of(entry)),
        entry.address,
        entry.hash,
    ]
