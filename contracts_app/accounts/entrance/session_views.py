"""One's own sessions: how long this one lasts, and ending others."""

from flask import Blueprint, flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from contracts_app.accounts.sign_in_models import Ended
from contracts_app.core.clock import now_utc

from . import sessions

bp = Blueprint("sessions", __name__, url_prefix="/me/session")


@bp.get("")
@login_required
def left() -> Response:
    """In how many seconds this session ends, as JSON. Asking is nobody's doing and puts nothing off."""
    return jsonify(ends_in=sessions.ends_in())


@bp.post("")
@login_required
def stay() -> ResponseReturnValue:
    """Stay signed in: somebody is there, although nothing was clicked."""
    if one := sessions.current():
        one.last_seen_at = now_utc()
    return jsonify(ends_in=sessions.ends_in())


@bp.post("/<int:session_number>/end")
@login_required
def end(session_number: int) -> Response:
    """End one of one's own other sessions. One that is over already is no mistake."""
    person = current_user._get_current_object()
    here = sessions.current()
    for one in sessions.open_ones(person):
        if one.id == session_number and one is not here:
            sessions.end(one, Ended.TAKEN_BACK, person)
            flash(f"{one.browser}的登录已结束。")
    return redirect(url_for("accounts.me"))


@bp.post("/end-others")
@login_required
def end_others() -> Response:
    """End every session but this one."""
    person = current_user._get_current_object()
    others = [one for one in sessions.open_ones(person) if one is not sessions.current()]
    for one in others:
        sessions.end(one, Ended.TAKEN_BACK, person)
    flash(f"别处的 {len(others)} 处登录已结束。" if others else "没有别处的登录。")
    return redirect(url_for("accounts.me"))
