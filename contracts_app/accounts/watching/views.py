"""The auditor's page: who did what, and when; whether nobody changed it since; and what was found as a file."""

import io
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import Can, may_open, needs
from contracts_app.core.clock import today
from contracts_app.core.codes import mask_within
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit, proving
from contracts_app.core.trail import checkpoints as audit_checkpoints
from contracts_app.core.web import pages
from contracts_app.core.web.limits import limiter

from . import export as audit_export
from . import queries
from .queries import AuditFilter

bp = Blueprint("audit", __name__, url_prefix="/audit")

# subject -> page of such a record and the name of its key
RECORD_PAGES = {
    "contract": ("contracts.show", "contract_id"),
    "enterprise": ("enterprises.show", "enterprise_id"),
    "broker": ("brokers.show", "broker_id"),
    "snapshot": ("snapshots.show", "snapshot_id"),
}
PROVED_AT_ONCE = 20_000  # entries that can be proved while somebody waits; the whole log is for the command line
WARNINGS = ("sign_in_failed", "refuse_access", "refuse_form")


@bp.get("")
@needs(Can.READ_AUDIT)
def index() -> str:
    """The log, narrowed by person, action, record, days and words."""
    looked_for = AuditFilter.from_args(request.args)
    matching = queries.audit_entries(current_user, looked_for)
    return render_template(
        "audit/index.html",
        page=queries.audit_page(matching, *pages.number_from(request.args)),
        looked_for=looked_for,
        most_counted=queries.MOST_COUNTED,
        newest_read=queries.NEWEST_READ,
        actions=audit.ACTIONS,
        subjects=audit.SUBJECTS,
        facts_of=queries.facts_of,
        warnings=WARNINGS,
        record_url=_record_url,
        head_of_log=audit.head(),
        whole=queries.last_of("verify_audit"),
        latest=queries.last_of("verify_latest_audit"),
        checkpoint=audit_checkpoints.newest(),
        proved_at_once=PROVED_AT_ONCE,
    )


@bp.get("/export.<any(csv, xlsx):kind>")
@needs(Can.READ_AUDIT)
@limiter.limit("10/minute")
def export(kind: str) -> Response:
    """What was found as a file; that it was taken along is in the log before it goes."""
    looked_for = AuditFilter.from_args(request.args)
    if looked_for.faults:
        raise Refused(*looked_for.faults.values())
    matching = queries.audit_entries(current_user, looked_for)
    rows = audit_export.count_for_file(matching)
    content = io.BytesIO()
    by = f"{current_user.region.name} {current_user.name}"
    audit_export.write(content, kind, matching, looked_for, by)
    content.seek(0)
    asked = mask_within(looked_for.sentence())
    audit.witness("export_audit", current_user, query=asked, rows=rows, file=f".{kind}")
    name = f"操作记录-{today():%Y%m%d}.{kind}"
    return send_file(content, audit_export.MIMES[kind], as_attachment=True, download_name=name)


@bp.post("/verify")
@needs(Can.READ_AUDIT)
@limiter.limit("6/minute")
def verify() -> ResponseReturnValue:
    """Prove the newest entries now, and say what was found."""
    try:
        checkpoints = audit_checkpoints.all_in([audit_checkpoints.folder()])
    except audit_checkpoints.NoCheckpoint as unreadable:
        flash(str(unreadable), "bad")
        checkpoints = []
    proof = proving.prove(db.session.connection(), checkpoints, newest=PROVED_AT_ONCE)
    audit.record("verify_latest_audit", current_user, **proving.as_facts(proof))
    for sentence in proof.sentences:
        flash(f"{sentence}。", "bad")
    if proof.is_intact:
        flash(f"已核对最近 {proof.entries:,} 条和 {proof.checkpoints} 份检查点，都接得上，没有被改动。")
    return redirect(url_for(".index"))


def _record_url(subject: str, subject_id: int | None) -> str | None:
    """The page of what an entry is about, where there is one that this person may open."""
    endpoint, key = RECORD_PAGES.get(subject, ("", ""))
    if subject_id is None or endpoint not in current_app.view_functions or not may_open(endpoint, current_user):
        return None
    values: dict[str, Any] = {key: subject_id}
    return url_for(endpoint, **values)
