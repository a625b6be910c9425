"""Right answers for each part of the filing, and how a visitor sends them."""

import io
import re
from datetime import timedelta
from html import unescape

from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import stream_encode_multipart

from contracts_app.contracts.models import Contract, DraftInput
from contracts_app.core.clock import today
from contracts_app.core.db import db

DAY = timedelta(days=1)


def subject(**changes):
    return {
        "title": "伞骨自动装配线视觉检测系统开发",
        "type_code": "KF1",
        "content": "开发视觉检测系统，交付软件和样机，按约定指标验收。",
        "signed_on": (today() - 10 * DAY).isoformat(),
        "begins_on": (today() - 10 * DAY).isoformat(),
        "ends_on": (today() + 300 * DAY).isoformat(),
    } | changes


def money(*lines, **changes):
    posted = {
        "total_amount": "120",
        "total_amount_unit": "wan",
        "payment_model_code": "instalments",
        "payment_note": "",
    } | changes
    for place, line in enumerate(lines or [("2026-12-31", "合同生效后", "120")]):
        posted |= {
            f"payments-{place}-{name}": typed
            for name, typed in zip(("due_on", "condition", "amount"), line, strict=True)
        }
    return posted


def deduction(place=0, **changes):
    """A line of the deduction sheet, as it is posted."""
    line = {"kind": "equipment", "name": "检测仪 2 台", "amount": "20"} | changes
    return {f"deductions-{place}-{name}": typed for name, typed in line.items()}


def royalty(**changes):
    """A royalty with all that is asked of it; the price is open."""
    return {
        "total_amount": "0",
        "payment_model_code": "royalty",
        "is_price_open": "y",
        "royalty_base": "sales",
        "royalty_rate": "3.5",
        "royalty_begins_on": today().isoformat(),
        "royalty_ends_on": (today() + 1825 * DAY).isoformat(),
        "may_inspect_books": "yes",
    } | changes


TECHNOLOGY = {
    "field_code": "03",
    "ip_code": "01",
    "plan_source_code": "5",
    "goal_code": "10",
    "industry_code": "C",
    "platform_id": "",
}


def post(visit, contract, section, fields, go="next", version=None):
    if version is None:
        version = db.session.get(Contract, contract.id).version
    seen = {"go": go, "version": version, "kept": stamp(contract, section)}
    return visit.post(f"/contracts/{contract.id}/fill/{section}", data=seen | fields)


def stamp(contract, section):
    """Of what waits in that part, as a page opened now would know it."""
    there = kept(contract, section)
    return there.stamp if there else ""


def summary(response):
    """The sentences of the error summary, with the ids they lead to."""
    page = response.text
    box = re.search(r'<div class="error-summary".*?</ul></div>', page, re.S)
    lines = re.findall(r'<li>(?:<a href="#([^"]*)">)?([^<]*)', box[0]) if box else []
    return {unescape(text): target for target, text in lines}


def kept(contract, section):
    return db.session.scalar(
        select(DraftInput).where(DraftInput.contract_id == contract.id, DraftInput.section == section)
    )


def upload(visit, contract, kind, *files):
    data = MultiDict([("kind_code", kind), ("go", "upload")])
    for name, content in files:
        data.add("files", FileStorage(io.BytesIO(content), name))
    # In memory: the client's own way leaves an open file behind for large ones.
    body, _, boundary = stream_encode_multipart(data, use_tempfile=False)
    return visit.post(
        f"/contracts/{contract.id}/fill/files",
        data=body.read(),
        content_type=f'multipart/form-data; boundary="{boundary}"',
    )
