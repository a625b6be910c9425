"""The pages of 批量办理: putting a contract aside, the preview, and the one confirmation."""

from collections import Counter

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.finding import queries
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.rules.queries import setting

from . import bulk
from .inbox import next_in_inbox

bp = Blueprint("bulk", __name__, url_prefix="/contracts")


@bp.route("/bulk", methods=["GET", "POST"])
@needs(Can.DECIDE_TOGETHER)
def index() -> ResponseReturnValue:
    """What would be done with each contract that was put aside; posted, it is done."""
    if request.method == "GET":
        return _page()
    try:
        contracts = bulk.decide(current_user, _seen())
    except Refused as refused:
        db.session.rollback()
        return _page(refused), Refused.status
    made = Counter(CONTRACT.moves[contract.history[-1].move].label for contract in contracts)
    flash(f"已批量办理 {len(contracts)} 份：{'，'.join(f'{label} {number} 份' for label, number in made.items())}。")
    return redirect(url_for("contracts.inbox"))


def _seen() -> dict[int, int]:
    """Contract -> version, as the preview showed them; what is written otherwise names no contract."""
    seen = {}
    for one in request.form.getlist("contract"):
        key, _, version = one.partition(":")
        if key.isascii() and key.isdigit() and version.isascii() and version.isdigit() and len(one) < 20:
            seen[int(key)] = int(version)
    return seen


def _page(refused: Refused | None = None) -> str:
    lines = bulk.preview(current_user)
    return render_template(
        "contracts/bulk.html",
        fit=[line for line in lines if line.is_fit],
        left_out=[line for line in lines if not line.is_fit],
        reasons=refused.reasons if refused else [],
        most=int(setting("bulk_most")),
    )


@bp.route("/<int:contract_id>/aside", methods=["POST"])
@needs(Can.DECIDE_TOGETHER)
def put_aside(contract_id: int) -> ResponseReturnValue:
    """Put a contract aside that was opened and checked, and go on to the next in the queue."""
    contract = queries.one_to_change(contract_id, current_user)
    bulk.put_aside(contract, current_user, request.form.get("version", type=int))
    flash(f"已加入批量办理：{contract.acceptance_number or contract.name}。", "info")
    following = next_in_inbox(current_user, contract)
    if following is None:
        return redirect(url_for(".index"))
    return redirect(url_for("contracts.next_step", contract_id=following))


@bp.route("/<int:contract_id>/aside/remove", methods=["POST"])
@needs(Can.DECIDE_TOGETHER)
def take_out(contract_id: int) -> ResponseReturnValue:
    """Take a contract out again, also one that has left this person's region; it waits in the inbox as before."""
    if not bulk.has_put_aside(current_user, contract_id):
        queries.one(contract_id, current_user)  # 404 of what is none of this person's business
    bulk.take_out(current_user, [contract_id])
    return redirect(url_for(".index"))
