"""Signing in and out, one's own account, invitations, and the administrator's list of users."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from contracts_app.core import conflicts, pages
from contracts_app.core.errors import Stale
from contracts_app.core.fields import choice_list

from . import actions, expired, queries, signing_in
from .forms import NewPasswordForm, NewUserForm, OwnPasswordForm, SignInForm, UserForm
from .models import User
from .permissions import Can, needs
from .queries import Condition
from .roles import Role

bp = Blueprint("accounts", __name__)


def public(view: Any) -> Any:
    """A page for people who have not signed in."""
    view.is_public = True
    return view


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Let somebody in and lead them where they wanted to go."""
    target = signing_in.safe_target(request.values.get("next"))
    if current_user.is_authenticated:
        return redirect(target or url_for("home"))
    form = SignInForm(next=target)
    if not form.validate_on_submit():
        return expired.sign_in_page(form, 422 if form.errors else 200, carries=expired.is_carried(form.carried.data))
    try:
        user = signing_in.sign_in(form.username.data, form.password.data)
    except signing_in.SignInRefused as refusal:
        form.password.errors = [str(refusal)]
        return expired.sign_in_page(form, 422, carries=expired.is_carried(form.carried.data))
    return redirect(expired.resume(user, form.carried.data) or target or url_for("home"))


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
        signing_in.begin_session(invited.user)
        flash("密码已设置，以后用它登录。")
        return redirect(url_for("home"))
    html = render_template("accounts/invitation.html", form=form, user=invited.user)
    return _private(html, 422 if form.errors else 200)


@bp.get("/me")
@login_required
def me() -> str:
    """One's own account."""
    return render_template("accounts/me.html", sign_ins=queries.latest_sign_ins(current_user))


@bp.route("/me/password", methods=["GET", "POST"])
@login_required
def password() -> ResponseReturnValue:
    """Change one's own password."""
    form = OwnPasswordForm()
    form.person = current_user
    if form.validate_on_submit():
        try:
            person = current_user._get_current_object()
            actions.change_own_password(person, old=form.old_password.data, new=form.new_password.data)
        except signing_in.SignInRefused as refusal:
            form.old_password.errors = [str(refusal)]
        else:
            flash("密码已修改。别处用旧密码登录的会话都已结束。")
            return redirect(url_for(".me"))
    return render_template("accounts/password.html", form=form), 422 if form.errors else 200


@bp.get("/users")
@needs(Can.MANAGE_USERS)
def users() -> str:
    """Everybody of the administrator's region."""
    place = queries.region_under(current_user.region, request.args.get("region"))
    matching = queries.matching_users(
        current_user,
        words=request.args.get("q", ""),
        role=_word(Role, "role"),
        place=place,
        is_=_word(Condition, "is"),
    )
    return render_template(
        "accounts/users.html",
        page=queries.users_page(matching, *pages.number_from(request.args)),
        regions=queries.region_choices(current_user.region),
        roles=Role,
        conditions=Condition,
        condition_of=queries.condition_of,
    )


@bp.route("/users/new", methods=["GET", "POST"])
@needs(Can.MANAGE_USERS)
def new_user() -> ResponseReturnValue:
    """Open an account and show the link with which its password is set."""
    form = NewUserForm(formdata=signing_in.typed(), regions=_regions())
    if form.validate_on_submit():
        region = queries.region_under(current_user.region, form.region_code.data)
        if queries.by_username(form.username.data):
            form.username.errors = [actions.USERNAME_TAKEN]
        elif region:
            user, token = actions.open_account(
                current_user, username=form.username.data, name=form.name.data, roles=form.chosen_roles, region=region
            )
            return _link_page(user, token, "账号已建立")
    return render_template("accounts/edit.html", form=form, user=None), 422 if form.errors else 200


@bp.route("/users/<int:user_id>", methods=["GET", "POST"])
@needs(Can.MANAGE_USERS)
def edit_user(user_id: int) -> ResponseReturnValue:
    """Change name, roles and region."""
    user = queries.one(user_id, current_user)

    def make(posted: MultiDict[str, str] | None) -> UserForm:
        roles = [role.value for role in Role if role in user.own_roles]
        stands = {"name": user.name, "roles": roles, "region_code": user.region_code, "version": user.version}
        return UserForm(formdata=posted, data=stands, regions=_regions())

    form = conflicts.filled(make, signing_in.typed())
    if form.validate_on_submit():
        region = queries.region_under(current_user.region, form.region_code.data)
        if user.id == current_user.id and Role.ADMIN not in form.chosen_roles:
            form.roles.errors = ["不能取消自己的系统管理员角色，由另一位系统管理员来办"]
        elif region:
            try:
                actions.revise(
                    current_user,
                    user,
                    name=form.name.data,
                    roles=form.chosen_roles,
                    region=region,
                    version=form.version.data,
                )
            except Stale as stale:
                return conflicts.page(stale, form, make, user.name)
            flash(f"{user.name}的账号已保存，对已登录的会话同样生效。")
            return redirect(url_for(".users"))
    html = render_template("accounts/edit.html", form=form, user=user, condition=queries.condition_of(user))
    return html, 422 if form.errors else 200


@bp.post("/users/<int:user_id>/invitation")
@needs(Can.MANAGE_USERS)
def invite_user(user_id: int) -> ResponseReturnValue:
    """A new one-time link for somebody who has lost the password."""
    user = queries.one(user_id, current_user)
    return _link_page(user, actions.invite(current_user, user), "密码重置链接已生成")


@bp.post("/users/<int:user_id>/disable", defaults={"is_active": False}, endpoint="disable_user")
@bp.post("/users/<int:user_id>/enable", defaults={"is_active": True}, endpoint="enable_user")
@needs(Can.MANAGE_USERS)
def switch_user(user_id: int, is_active: bool) -> Response:
    """Close an account, or open it again."""
    user = queries.one(user_id, current_user)
    actions.set_active(current_user, user, is_active=is_active)
    flash(f"{user.name}的账号已启用。" if is_active else f"{user.name}的账号已停用，已登录的会话立即失效。")
    return redirect(url_for(".edit_user", user_id=user.id))


def _regions() -> list[Any]:
    return choice_list(queries.region_choices(current_user.region), blank="选择地区")


def _word(words: Any, name: str) -> Any:
    asked = request.args.get(name, "")
    return words(asked) if asked in set(words) else None


def _link_page(user: User, token: str, heading: str) -> Response:
    link = url_for(".invitation", token=token, _external=True)
    lasts = signing_in.INVITATION_LASTS.days
    return _private(render_template("accounts/link.html", user=user, link=link, heading=heading, days=lasts))


def _private(html: str, status: int = 200) -> Response:
    """A page with a secret in it: kept by no browser and no proxy."""
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response
