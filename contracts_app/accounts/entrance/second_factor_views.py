"""The steps of signing in after the password, and one's own second factor."""

from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from contracts_app.accounts.models import User
from contracts_app.core.errors import Refused
from contracts_app.core.installation import is_demonstration
from contracts_app.core.keeping.sealing import Unopened, key_ring

from . import second_factor, signing_in
from .forms import CodeForm, ConfirmForm, NewPasswordForm, RecoveryCodeForm, SecondFactorForm
from .second_factor import WrongCode
from .views import go_on, private, public

bp = Blueprint("second_factor", __name__)

Confirmed = TypeVar("Confirmed", bound=ConfirmForm)

CANDIDATE, SEALED_FOR = "candidate", "second_factor.candidate"
SIGN_IN_AGAIN = "登录没有完成，时间也过了；从用户名和密码重新开始。"


# ---- while signing in -----------------------------------------------------------------------------------------------


@bp.route("/sign-in/code", methods=["GET", "POST"])
@public
def code() -> ResponseReturnValue:
    """The second step: a code of the authenticator, or a recovery code."""
    found = _expected("second_factor.code")
    if isinstance(found, Response):
        return found
    user, half = found
    by_recovery = request.args.get("by") == "recovery"
    form = RecoveryCodeForm() if by_recovery else CodeForm()
    if form.validate_on_submit():
        try:
            half = signing_in.check_code(user, half, form.code.data, is_recovery_code=by_recovery)
        except signing_in.SignInRefused as refusal:
            form.code.errors = [str(refusal)]
            form.code.data = form.code.raw_data = None
        else:
            return go_on(user, half)
    is_open = signing_in.half_in() is not None
    html = render_template("accounts/second_step.html", form=form, user=user, by_recovery=by_recovery, is_open=is_open)
    return private(html, 422 if form.errors else 200)


@bp.route("/sign-in/new-password", methods=["GET", "POST"])
@public
def new_password() -> ResponseReturnValue:
    """A new password where the old one is too old or too weak."""
    found = _expected("second_factor.new_password")
    if isinstance(found, Response):
        return found
    user, half = found
    form = NewPasswordForm()
    form.person = user
    if form.validate_on_submit():
        return go_on(user, signing_in.change_due_password(user, half, form.new_password.data))
    html = render_template("accounts/due_password.html", form=form, user=user, why=half.change)
    return private(html, 422 if form.errors else 200)


@bp.route("/sign-in/second-factor", methods=["GET", "POST"])
@public
def first() -> ResponseReturnValue:
    """Set up the second factor without which this person does not come in; then the recovery codes."""
    found = _expected("second_factor.first")
    if isinstance(found, Response):
        return found
    user, half = found
    form, secret = CodeForm(), _candidate(user)
    if form.validate_on_submit():
        try:
            codes = second_factor.set_up(user, secret, form.code.data)
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
            form.code.data = None
        else:
            signing_in.let_in(user, signing_in.shown(half))
            return _codes_page(user, codes, half.place or url_for("home"))
    facts = {"secret": secret, "picture": second_factor.picture(secret, user), "time": second_factor.server_time()}
    return private(render_template("accounts/second_factor_first.html", form=form, user=user, **facts), _status(form))


def _expected(endpoint: str) -> tuple[User, signing_in.Half] | Response:
    """Who is on the way in, when this step is theirs; else the way to where they are."""
    if current_user.is_authenticated:
        return redirect(url_for("home"))
    found = signing_in.half_in()
    if found is None:
        flash(SIGN_IN_AGAIN, "warn")
        return redirect(url_for("accounts.sign_in"))
    step = signing_in.next_step(*found)
    return found if step == endpoint else redirect(url_for(step or "accounts.sign_in"))


# ---- one's own ------------------------------------------------------------------------------------------------------


@bp.get("/me/second-factor")
@login_required
def mine() -> str:
    """Whether it is on, since when, how many recovery codes are left, and what can be done."""
    return _mine(_asking(ConfirmForm(formdata=None)))


@bp.route("/me/second-factor/new", methods=["GET", "POST"])
@login_required
def change() -> ResponseReturnValue:
    """Set it up of one's own accord, or take another authenticator."""
    _not_in_a_demonstration()
    person = _person()
    form, secret = _asking(SecondFactorForm()), _candidate(person)
    if form.validate_on_submit() and _confirmed(form):
        try:
            codes = second_factor.set_up(person, secret, form.code.data)
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
        else:
            signing_in.begin_session(person, with_second_factor=True)
            return _codes_page(person, codes, url_for(".mine"))
    facts = {"secret": secret, "picture": second_factor.picture(secret, person), "time": second_factor.server_time()}
    has = second_factor.of(person) is not None
    return private(render_template("accounts/second_factor_change.html", form=form, has=has, **facts), _status(form))


@bp.post("/me/second-factor/recovery-codes")
@login_required
def renew_codes() -> ResponseReturnValue:
    """Ten new recovery codes, shown once."""
    _not_in_a_demonstration()
    person, form = _person(), _asking(ConfirmForm())
    if second_factor.of(person) is None:
        raise Refused("还没有设置两步验证，先设置。")
    if form.validate_on_submit() and _confirmed(form):
        return _codes_page(person, second_factor.renew_codes(person), url_for(".mine"))
    return _mine(form), 422


@bp.post("/me/second-factor/off")
@login_required
def turn_off() -> ResponseReturnValue:
    """Do without again, for those of whom it is not required."""
    person, form = _person(), _asking(ConfirmForm())
    if second_factor.is_required(person):
        raise Refused("你的岗位必须用两步验证，不能关闭。")
    if second_factor.of(person) is None:
        raise Refused("没有设置两步验证，不用关闭。")
    if form.validate_on_submit() and _confirmed(form):
        second_factor.turn_off(person)
        signing_in.begin_session(person, with_second_factor=False)
        flash("两步验证已关闭，以后只用密码登录。")
        return redirect(url_for(".mine"))
    return _mine(form), 422


def _mine(form: ConfirmForm) -> str:
    person = _person()
    return render_template(
        "accounts/second_factor.html",
        form=form,
        factor=second_factor.of(person),
        left=second_factor.codes_left(person),
        is_required=second_factor.is_required(person),
    )


def _person() -> User:
    return current_user._get_current_object()


def _asking(form: Confirmed) -> Confirmed:
    """The form, with the present second factor asked for only of who has one."""
    if not second_factor.is_asked(_person()):
        del form.proof
    return form


def _confirmed(form: ConfirmForm) -> bool:
    try:
        signing_in.confirm(_person(), form.old_password.data)
    except signing_in.SignInRefused as refusal:
        form.old_password.errors = [str(refusal)]
        return False
    if form.proof is None:
        return True
    try:
        signing_in.confirm_second_factor(_person(), form.proof.data)
    except signing_in.SignInRefused as refusal:
        form.proof.errors = [str(refusal)]
        form.proof.data = form.proof.raw_data = None
        return False
    return True


def _not_in_a_demonstration() -> None:
    if is_demonstration():
        raise Refused("演示环境只用密码登录，不用两步验证。")


def _candidate(user: User) -> str:
    """The secret this person is setting up in this browser: sealed in its cookie until a code of it was right.

    Sealed for that person: whoever was here before has seen theirs.
    """
    purpose = f"{SEALED_FOR}.{user.id}"
    if kept := session.get(CANDIDATE):
        try:
            return key_ring().open(kept, purpose)
        except Unopened:
            pass  # somebody else's, or the keys were changed in between
    secret = second_factor.new_secret()
    session[CANDIDATE] = key_ring().seal(secret, purpose)
    return secret


def _codes_page(user: User, codes: list[str], goes_on: str) -> Response:
    session.pop(CANDIDATE, None)
    return private(render_template("accounts/recovery_codes.html", user=user, codes=codes, goes_on=goes_on))


def _status(form: Any) -> int:
    return 422 if form.errors else 200
