"""Signing in and out, invitations, one's own account."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from contracts_app.accounts import queries
from contracts_app.accounts.models import User

from . import expired, passwords, second_factor, sessions, signing_in
from .forms import NewPasswordForm, OwnPasswordForm, SignInForm

bp = Blueprint("accounts", __name__)


def public(view: Any) -> Any:
    """A page for people who have not signed in."""
    view.is_public = True
    return view


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """The first step: name and password. Leads to what else is asked, then to where the person wanted to go."""
    target = signing_in.safe_target(request.values.get("next"))
    if current_user.is_authenticated:
        return redirect(target or url_for("home"))
    form = SignInForm(next=target)
    carries = expired.is_carried(form.carried.data)
    if not form.validate_on_submit():
        return expired.sign_in_page(form, 422 if form.errors else 200, carries=carries)
    try:
        user = signing_in.check_password(form.username.data, form.password.data)
    except signing_in.SignInRefused as refusal:
        form.password.errors = [str(refusal)]
        status = 429 if str(refusal) == signing_in.TOO_MANY else 422
        return expired.sign_in_page(form, status, carries=carries)
    place, said = expired.resume(user, form.carried.data)
    change = passwords.why_change(user, form.password.data)
    passwords.keep_up(user, form.password.data)
    return go_on(user, signing_in.begin_half(user, change=change, place=place or target or "", said=said))


def go_on(user: User, half: signing_in.Half) -> Response:
    """The next step of signing in, or in."""
    if step := signing_in.next_step(user, half):
        return redirect(url_for(step))
    signing_in.let_in(user, half)
    return redirect(half.place or url_for("home"))


@bp.post("/sign-out")
@login_required
def sign_out() -> Response:
    """End the session."""
    signing_in.sign_out()
    flash("已退出。")
    answer = redirect(url_for(".sign_in"))
    answer.headers["Clear-Site-Data"] = '"cache"'  # Back on a shared computer shows nothing of this person
    return answer


@bp.route("/invitations/<token>", methods=["GET", "POST"])
@public
def invitation(token: str) -> ResponseReturnValue:
    """Somebody sets the first or a new password with a one-time link, and is signed in."""
    invited = signing_in.invited(token)
    form = NewPasswordForm()
    form.person = invited.user
    if form.validate_on_submit():
        signing_in.use(invited, form.new_password.data)
        said = "密码已设置，以后用它登录。"
        return go_on(invited.user, signing_in.begin_half(invited.user, said=said, tone="message"))
    html = render_template("accounts/invitation.html", form=form, user=invited.user)
    return private(html, 422 if form.errors else 200)


@bp.get("/me")
@login_required
def me() -> str:
    """One's own account."""
    return render_template(
        "accounts/me.html",
        sign_ins=queries.latest_sign_ins(current_user),
        sessions=sessions.open_ones(current_user),
        here=sessions.current(),
        idle=sessions.idle_of(current_user),
        factor=second_factor.of(current_user),
        password_days=passwords.days_left(current_user),
    )


@bp.route("/me/password", methods=["GET", "POST"])
@login_required
def password() -> ResponseReturnValue:
    """Change one's own password."""
    form = OwnPasswordForm()
    form.person = current_user
    if form.validate_on_submit():
        try:
            person = current_user._get_current_object()
            signing_in.change_own_password(person, old=form.old_password.data, new=form.new_password.data)
        except signing_in.SignInRefused as refusal:
            form.old_password.errors = [str(refusal)]
        else:
            flash("密码已修改。别处用旧密码登录的会话都已结束。")
            return redirect(url_for(".me"))
    return render_template("accounts/password.html", form=form), 422 if form.errors else 200


def private(html: str, status: int = 200) -> Response:
    """A page with a secret in it: kept by no browser and no proxy."""
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response
