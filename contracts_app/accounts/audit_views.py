"""The auditor's page: who did what, and when."""

from datetime import date
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_login import current_user

from contracts_app.core import audit, pages
from contracts_app.core.clock import DayError, parse_day

from . import queries
from .permissions import Can, may_open, needs

bp = Blueprint("audit", __name__, url_prefix="/audit")

# subject -> page of such a record and the name of its key
RECORD_PAGES = {
    "contract": ("contracts.show", "contract_id"),
    "enterprise": ("enterprises.show", "enterprise_id"),
    "broker": ("brokers.show", "broker_id"),
}


@bp.get("")
@needs(Can.READ_AUDIT)
def index() -> str:
    """The log, narrowed by person, action, record and days."""
    errors: dict[str, str] = {}
    looked_for = queries.AuditFilter(
        who=request.args.get("who", "").strip(),
        action=request.args.get("action", ""),
        subject=request.args.get("subject", ""),
        subject_id=request.args.get("number", type=int),
        first=_day("from", errors),
        last=_day("to", errors),
    )
    matching = queries.audit_entries(current_user, looked_for)
    return render_template(
        "audit/index.html",
        page=queries.audit_page(matching, *pages.number_from(request.args)),
        looked_for=looked_for,
        errors=errors,
        actions=audit.ACTIONS,
        subjects=audit.SUBJECTS,
        facts=audit.FACTS,
        record_url=_record_url,
    )


def _day(name: str, errors: dict[str, str]) -> date | None:
    written = request.args.get(name, "").strip()
    if not written:
        return None
    try:
        return parse_day(written)
    except DayError as error:
        errors[name] = str(error)
        return None


def _record_url(subject: str, subject_id: int | None) -> str | None:
    """The page of what an entry is about, where there is one that this person may open."""
    endpoint, key = RECORD_PAGES.get(subject, ("", ""))
    if subject_id is None or endpoint not in current_app.view_functions or not may_open(endpoint, current_user):
        return None
    values: dict[str, Any] = {key: subject_id}
    return url_for(endpoint, **values)
