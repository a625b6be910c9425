"""A form sent after the session has ended: it goes along through the sign-in page, signed, and is parked afterwards.

Nothing is kept on the server for people who are not signed in. ``signing_in.typed`` gives the answers back.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

from flask import Flask, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from contracts_app.accounts.models import User
from contracts_app.accounts.watching import refusals
from contracts_app.core import errors
from contracts_app.core.db import SAFE_METHODS, unit_of_work
from contracts_app.core.trail import audit

from . import sessions
from .forms import SignInForm
from .signing_in import PARKED_FOR, is_from_our_page, may_be_parked, park, parts_of, posted_fields, safe_target

SIGN_IN, SIGN_OUT = "accounts.sign_in", "accounts.sign_out"


@dataclass(frozen=True)
class Carried:
    """A form on its way through the sign-in page: where it was sent, its fields, and the page it was sent from."""

    target: str
    fields: str
    back: str


def init_app(app: Flask) -> None:
    app.login_manager.unauthorized_handler(ask_to_sign_in)  # type: ignore[attr-defined]  # Flask-Login puts it there
    app.register_error_handler(CSRFError, _token_does_not_fit)


def ask_to_sign_in() -> ResponseReturnValue:
    """Lead to the sign-in page and back. What was posted is carried along in that page."""
    if "application/json" in request.headers.get("Accept", ""):
        return "登录已过期，登录后再保存。", 401
    if request.method in SAFE_METHODS:
        return redirect(url_for(SIGN_IN, next=request.full_path.rstrip("?")))
    form = SignInForm(formdata=None)
    if not is_from_our_page():
        return sign_in_page(form, 401)
    fields = posted_fields() or ""
    form.carried.data = _serializer().dumps(asdict(Carried(request.full_path.rstrip("?"), fields, _page_before())))
    return sign_in_page(form, 401, carries=bool(fields), expired=True)


def sign_in_page(
    form: SignInForm, status: int = 200, *, carries: bool = False, expired: bool = False
) -> tuple[str, int]:
    """The sign-in page; ``carries`` when a form that was sent too late goes along."""
    over = sessions.current()
    why = sessions.why_over(over) if over else ""
    html = render_template(
        "accounts/sign_in.html", form=form, carries=carries, expired=expired, why=why, lasts=sessions.idle_words(over)
    )
    return html, status


def is_carried(token: str | None) -> bool:
    """Whether the sign-in page was carrying answers."""
    carried = _read(token)
    return bool(carried and carried.fields)


def resume(user: User, token: str | None) -> tuple[str, str]:
    """Where somebody goes on who has shown the password with a form under way, and what is said there.

    The form is parked for that person only; both are empty where nothing was under way.
    """
    carried = _read(token)
    if carried is None:
        return "", ""
    parts = parts_of(carried.target)
    if carried.fields and _opens(parts.path) and may_be_parked(parts.path):
        kept = park(user, parts.path, carried.fields)
        query = "&".join(filter(None, [parts.query, urlencode({"parked": kept.id})]))
        return f"{parts.path}?{query}", ""
    pages = (page for page in (carried.target, carried.back) if page and _opens(parts_of(page).path))
    return next(pages, ""), "登录已过期，刚才的操作没有执行。看过这一页的最新内容，需要时再办理一次。"


def _token_does_not_fit(error: CSRFError) -> ResponseReturnValue:
    """Mostly a session that has ended, or a new one begun in another window; else the page that says so."""
    if request.endpoint == SIGN_OUT and not current_user.is_authenticated:
        return redirect(url_for(SIGN_IN))
    if request.endpoint == SIGN_IN:
        return _sign_in_again()
    view = current_app.view_functions.get(request.endpoint or "")
    if not current_user.is_authenticated and view and not getattr(view, "is_public", False):
        return ask_to_sign_in()
    if current_user.is_authenticated and request.form.get("csrf_token") and (fields := posted_fields()):
        carried = Carried(request.full_path.rstrip("?"), fields, _page_before())
        return _resume_at_once(_serializer().dumps(asdict(carried)))
    if current_user.is_authenticated:
        audit.witness_once(timedelta(minutes=1), "refuse_form", current_user, page=refusals.address_told())
    return errors.page(400, "这一页打开太久了", ["为了安全，这次提交没有生效。返回上一页，刷新后再提交。"])


def _sign_in_again() -> ResponseReturnValue:
    """The sign-in page was open longer than its session lasts, or the person has come in by another window."""
    token = request.form.get("carried")
    if current_user.is_authenticated:
        return _resume_at_once(token) if is_from_our_page() else redirect(url_for("home"))
    form = SignInForm()
    form.password.errors = ["登录页打开太久了，再输入一次密码"]
    return sign_in_page(form, 422, carries=is_carried(token))


def _resume_at_once(token: str | None) -> ResponseReturnValue:
    with unit_of_work():  # the request itself is refused and keeps nothing
        place, said = resume(current_user._get_current_object(), token)
    if said:
        flash(said, "warn")
    return redirect(place or url_for("home"))


def _page_before() -> str:
    """The page of ours that the form was on, as far as the browser tells."""
    referrer = parts_of(request.referrer or "")
    if referrer.netloc != request.host:
        return ""
    return safe_target(referrer.path + (f"?{referrer.query}" if referrer.query else "")) or ""


def _opens(path: str) -> bool:
    """Whether the path is a page that can be opened, and not only something to send to."""
    try:
        endpoint, _ = current_app.create_url_adapter(request).match(path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return False
    return not current_app.view_functions[endpoint].__dict__.get("is_public") and endpoint != SIGN_OUT


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="form-under-way")


def _read(token: str | None) -> Carried | None:
    if not token:
        return None
    try:
        return Carried(**_serializer().loads(token, max_age=int(PARKED_FOR.total_seconds())))
    except BadData:
        return None
