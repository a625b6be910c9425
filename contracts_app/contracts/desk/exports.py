"""The contract list as a file: what the list shows of every row that matches, and what it adds up to.

Asking for a file is written down, and answered with a ticket; the file itself is made by a reading request, so that
nobody who writes has to wait while a long list goes out.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.finding.addresses import refuse_unread
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.codes import mask_name, mask_within
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
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
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import exports
from contracts_app.core.web.pages import Sort
from contracts_app.enterprises.models import NATURAL_PERSON

from . import lists

bp = Blueprint("exports", __name__, url_prefix="/contracts/export")

MOST = 100_000  # rows of a file
_GOOD_FOR = 600  # seconds
_FEW = 1_000  # rows read at a time
_PATIENCE = 20  # seconds for one's turn
_turns = BoundedSemaphore(2)  # a long workbook keeps a processor busy for half a minute
_MIMES = {"xlsx": XLSX_MIME, "csv": CSV_MIME, "json": JSON_MIME}


@bp.post("")
@needs(Can.READ_CONTRACTS)
@exports
def prepare() -> ResponseReturnValue:
    """Write down who takes which list as a file, and lead to it."""
    kind = request.form.get("format", "")
    if kind not in _MIMES:
        abort(400)
    query = ContractQuery.from_args(request.args).known(current_user)
    refuse_unread([sentence for _, sentence in query.faults])
    rows = sums(query, current_user).rows
    if rows > MOST:
        raise Refused(f"共 {rows:,} 行，一次最多导出 {MOST:,} 行。加上年度、考核单元等条件后再导出。")
    audit.record("export_contracts", current_user, query=mask_within(query.sentence()), rows=rows, file=kind)
    asked = {"by": current_user.id, "args": query.to_args(), "sort": request.args.get("sort", ""), "kind": kind}
    return redirect(url_for(".file", ticket=_tickets().dumps(asked)), 303)


@bp.get("")
@needs(Can.READ_CONTRACTS)
def file() -> ResponseReturnValue:
    """The file of a ticket, for whom it was given."""
    try:
        asked = _tickets().loads(request.args.get("ticket", ""), max_age=_GOOD_FOR)
    except BadData:
        asked = {}
    if asked.get("by") != current_user.id:
        flash("下载链接过期了，重新点一次导出。", "warn")
        return redirect(url_for("contracts.index"))
    query = ContractQuery.from_args(asked["args"])
    return _response(_Export(query, lists.sort_of(asked["sort"], query), current_user), asked["kind"])


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="contract-list")


def _response(export: "_Export", kind: str) -> Response:
    content = io.BytesIO()  # 100,000 rows take some 15 MB
    if not _turns.acquire(timeout=_PATIENCE):
        raise Refused("正在为别人导出列表，过一会儿再导出。")
    try:
        if kind == "csv":
            content.writelines(csv_lines(export.columns, export.rows()))
        elif kind == "json":
            content.writelines(export.data())
        else:
            write_workbook(content, export.sheets())
    finally:
        _turns.release()
    content.seek(0)
    name = f"技术合同列表-{today():%Y%m%d}.{kind}"
    return send_file(content, _MIMES[kind], as_attachment=True, download_name=name)


@dataclass(frozen=True)
class _Export:
    """One list as a table of a file."""

    query: ContractQuery
    sort: Sort
    person: User

    @property
    def columns(self) -> list[Column]:
        counted = [Column("计入日期", As.DAY, 12), Column("计入原因", width=10), Column("计入项数", As.COUNT, 10)]
        amounts = [Column(f"{one.label}（万元）", As.WAN, 16) for one in self._amounts]
        return [
            Column("合同名称", width=40),
            Column("受理号", width=20),
            Column("合同登记编号", width=20),
            Column("卖方", width=30),
            Column("买方", width=30),
            Column("合同类型", width=12),
            Column("合同小类", width=18),
            Column("状态", width=10),
            *amounts,
            *(counted if self.query.is_counted else []),
            Column("签订日期", As.DAY, 12),
            Column("提交时间", As.MOMENT, 16),
            Column("登记日期", As.DAY, 12),
            Column("技术经纪人", width=12),
        ]

    def rows(self) -> Iterator[list[Cell]]:
        """Every row that matches, a few at a time from the database."""
        for row in db.session.execute(self._every()):
            yield self._cells(row)

    def data(self) -> Iterator[bytes]:
        """The same for a program: amounts in 元 as text with two decimals, moments in UTC. Told in the manual."""
        found, caliber = sums(self.query, self.person), self.query.caliber
        about = {
            "query": self.query.to_args(),
            "sentence": self.query.sentence(),
            "caliber": {"code": caliber.value, "label": caliber.label} if self.query.is_counted else None,
            "generated_at": now_utc().isoformat(),
            "total": {"rows": found.rows, "contracts": found.contracts, **self._plain_amounts(found)},
        }
        yield json.dumps(about, ensure_ascii=False, indent=1).removesuffix("\n}").encode() + b',\n "rows": ['
        between = "\n  "
        for row in db.session.execute(self._every()):
            yield (between + json.dumps(self._plain(row), ensure_ascii=False)).encode()
            between = ",\n  "
        yield b"\n ]\n}\n"

    def _every(self) -> Any:
        return lists.every(self.query, self.person, self.sort, MOST).execution_options(yield_per=_FEW)

    def _plain(self, row: Any) -> dict[str, Any]:
        counted = (
            {"counted_on": row.counts_on.isoformat(), "cause": row.cause.value, "contracts": row.counted}
            if self.query.is_counted
            else {}
        )
        return {
            "id": row.id,
            "title": row.title,
            "acceptance_number": row.acceptance_number,
            "registration_number": row.registration_number,
            "seller": _party(row.seller, row.seller_kind),
            "buyer": _party(row.buyer, row.buyer_kind),
            "type": row.root_type or row.type,
            "subtype": row.type if row.root_type else None,
            "state": row.state.value,
            "state_label": row.state.label,
            **self._plain_amounts(row),
            **counted,
            **{name: day.isoformat() if (day := getattr(row, name)) else None for name in _DAYS},
            "broker": row.broker,
        }

    def _plain_amounts(self, of: Any) -> dict[str, str | None]:
        amounts = ((one.name, getattr(of, one.name)) for one in self._amounts)
        return {name: None if amount is None else f"{amount:.2f}" for name, amount in amounts}

    def _cells(self, row: Any) -> list[Cell]:
        counted = [row.counts_on, row.cause.label, row.counted] if self.query.is_counted else []
        return [
            row.title,
            row.acceptance_number,
            row.registration_number,
            _party(row.seller, row.seller_kind),
            _party(row.buyer, row.buyer_kind),
            row.root_type or row.type,
            row.type if row.root_type else None,
            row.state.label,
            *(getattr(row, one.name) for one in self._amounts),
            *counted,
            row.signed_on,
            row.submitted_at,
            row.registered_on,
            row.broker,
        ]

    def sheets(self) -> list[Sheet]:
        """The rows, and on a sheet of its own what they add up to and what was asked."""
        found = sums(self.query, self.person)
        columns = [Column("行数", As.COUNT, 16), Column("项数", As.COUNT, 16)]
        columns += [Column(f"{one.label}（万元）", As.WAN, 24) for one in self._amounts]
        line: list[Cell] = [found.rows, found.contracts, *(getattr(found, one.name) for one in self._amounts)]
        return [
            Sheet("合同", self.columns, self.rows()),
            Sheet("合计与条件", columns, [line], title="技术合同列表", notes=self._notes(), frozen=0),
        ]

    def _notes(self) -> list[str]:
        caliber = self.query.caliber
        return [
            f"条件：{self.query.sentence()}",
            *([f"{caliber.label}：{caliber.definition}"] if self.query.is_counted else []),
            f"生成时间：{local(now_utc()):%Y-%m-%d %H:%M}",
            f"生成人：{self.person.region.name} {self.person.name}",
        ]

    @property
    def _amounts(self) -> tuple[lists.Amount, ...]:
        return lists.amounts_of(self.query.is_of_money)


_DAYS = ("signed_on", "submitted_at", "registered_on")


def _party(name: str | None, kind: str | None) -> str | None:
    """A party as a file names it: of a natural person the family name alone."""
    return mask_name(name) if name and kind == NATURAL_PERSON else name
