"""The list of users, a person's account, and what administrators do with it. Addresses of the noun ``accounts``."""

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from contracts_app.accounts import dormancy, queries, quorum
from contracts_app.accounts.entrance import lock_outs, second_factor, sessions, signing_in
from contracts_app.accounts.entrance.views import bp
from contracts_app.accounts.models import User
from contracts_app.accounts.offices import grants, recertification
from contracts_app.accounts.offices.forms import NewUserForm, ResetForm, UserForm
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.accounts.queries import Condition
from contracts_app.accounts.roles import THREE, Role
from contracts_app.accounts.sign_in_models import Ended
from contracts_app.core import conflicts
from contracts_app.core.errors import Refused, Stale
from contracts_app.core.web import pages
from contracts_app.core.web.fields import choice_list
from contracts_app.regions.models import Region

from . import actions

LOOKS = {
    Condition.ACTIVE: ("check2", "ok"),
    Condition.WAITING: ("hourglass-split", "warn"),
    Condition.INVITED: ("envelope", "warn"),
    Condition.DORMANT: ("moon", "warn"),
    Condition.DISABLED: ("slash-circle", "void"),
}


@bp.get("/users")
@needs(Can.READ_USERS)
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
    page = queries.users_page(matching, *pages.number_from(request.args))
    return render_template(
        "accounts/users.html",
        page=page,
        waits=grants.standing_of([user.id for user in page.rows]),
        with_factor=queries.with_second_factor(page.rows),
        locked=queries.locked(page.rows),
        regions=queries.region_choices(current_user.region),
        roles=Role,
        conditions=Condition,
        conditions_of=queries.conditions_of(page.rows),
        looks=LOOKS,
        thin=queries.thin_offices(current_user.region),
        fewest=queries.FEWEST_IN_OFFICE,
        missing=quorum.missing(),
        may_manage=may(current_user, Can.MANAGE_USERS),
    )


@bp.post("/users/<int:user_id>/unlock")
@needs(Can.UNLOCK_USERS)
def unlock_user(user_id: int) -> Response:
    """Open a name that was locked after too many failures."""
    user = queries.one(user_id, current_user)
    lock_outs.unlock(user, current_user)
    flash(f"{user.name}的用户名已解锁，可以重新登录。")
    return redirect(url_for(".show_user", user_id=user.id))


@bp.post("/users/<int:user_id>/second-factor/reset")
@needs(Can.UNLOCK_USERS)
def reset_second_factor(user_id: int) -> Response:
    """Take away the second factor of somebody who has lost it; the next sign-in sets up a new one."""
    user = queries.one(user_id, current_user)
    if user.id == current_user.id:
        raise Refused("自己的两步验证由另一位安全管理员重设，或者在“我的账号”里更换。")
    second_factor.reset_second_factor(user, current_user)
    flash(f"{user.name}的两步验证已重设，登录着的地方都已退出；下次登录时重新设置。")
    return redirect(url_for(".show_user", user_id=user.id))


@bp.post("/users/<int:user_id>/sessions/end")
@needs(Can.READ_USERS)
def end_sessions(user_id: int) -> Response:
    """End every session of a person, who may sign in again."""
    user = queries.one(user_id, current_user)
    if user.id == current_user.id:
        raise Refused("自己在别处的登录，在“我的账号”里结束。")
    open_ones = sessions.open_ones(user)
    for one in open_ones:
        sessions.end(one, Ended.OFFICER, current_user)
    flash(f"{user.name}登录着的 {len(open_ones)} 处都已退出。" if open_ones else f"{user.name}没有登录着。")
    return redirect(url_for(".show_user", user_id=user.id))


@bp.get("/users/<int:user_id>")
@needs(Can.READ_USERS)
def show_user(user_id: int) -> ResponseReturnValue:
    """A person's account: what it may do, since when and by whom, and what can be done with it."""
    return _page(queries.one(user_id, current_user), ResetForm())


def _page(user: User, form: ResetForm) -> tuple[str, int]:
    html = render_template(
        "accounts/user.html",
        user=user,
        form=form,
        is_own=user.id == current_user.id,
        lock=lock_outs.lock_of(user),
        factor=second_factor.of(user),
        sessions=sessions.open_ones(user),
        words=grants.words,
        by_words=recertification.by_words,
        may_unlock=may(current_user, Can.UNLOCK_USERS),
        condition=queries.condition_of(user),
        looks=LOOKS,
        waits=grants.standing(user),
        history=grants.of(user),
        certified=recertification.of(user),
        why_no_link=(why_no_link := actions.why_no_link(user, current_user)),
        shows_link=may(current_user, Can.MANAGE_USERS) or (actions.takes_two(user) and not why_no_link),
        asks_reset=actions.why_no_reset(current_user, user) is None,
        is_dormant=dormancy.is_dormant(user),
        why_dormant=dormancy.words(user),
        may_manage=may(current_user, Can.MANAGE_USERS),
    )
    return html, 422 if form.errors else 200


@bp.route("/users/new", methods=["GET", "POST"])
@needs(Can.MANAGE_USERS)
def new_user() -> ResponseReturnValue:
    """Open an account and ask for its roles; its link is handed out once they are confirmed."""
    form = NewUserForm(formdata=signing_in.typed(), regions=_regions())
    if form.validate_on_submit():
        region = queries.region_under(current_user.region, form.region_code.data)
        if queries.by_username(form.username.data):
            form.username.errors = [actions.USERNAME_TAKEN]
        elif region:
            user, _ = actions.open_account(
                current_user,
                username=form.username.data,
                name=form.name.data,
                roles=form.chosen_roles,
                region=region,
                reason=form.reason.data,
            )
            who = "由安全管理员" if form.chosen_roles & set(THREE) else ""
            flash(f"账号已建立，授权申请已提交。安全管理员复核后，{who}在这里生成{user.name}设置密码的链接。")
            return redirect(url_for(".show_user", user_id=user.id))
    return render_template("accounts/edit.html", form=form, user=None), 422 if form.errors else 200


@bp.route("/users/<int:user_id>/edit", methods=["GET", "POST"])
@needs(Can.MANAGE_USERS)
def edit_user(user_id: int) -> ResponseReturnValue:
    """Change name, roles and region; more than before is asked for, and had when a second person has confirmed it."""
    user = queries.one(user_id, current_user)
    waits = grants.standing(user)

    def make(posted: MultiDict[str, str] | None) -> UserForm:
        wanted = waits.roles_after if waits else user.own_roles
        roles = [role.value for role in Role if role in wanted]
        region_code = waits.region_after_code if waits else user.region_code
        stands = {"name": user.name, "roles": roles, "region_code": region_code, "version": user.version}
        return UserForm(formdata=posted, data=stands, regions=_regions())

    form = conflicts.filled(make, signing_in.typed())
    if form.validate_on_submit():
        region = queries.region_under(current_user.region, form.region_code.data)
        if user.id == current_user.id and Role.ADMIN not in form.chosen_roles:
            form.roles.errors = ["不能取消自己的系统管理员角色，由另一位系统管理员来办"]
        elif region and actions.needs_reason(user, waits, form.chosen_roles, region) and not form.reason.data:
            form.reason.errors = [actions.REASON_MISSING]
        elif region:
            try:
                return _revised(user, form, region)
            except Stale as stale:
                return conflicts.page(stale, form, make, user.name)
    html = render_template(
        "accounts/edit.html", form=form, user=user, waits=waits, condition=queries.condition_of(user), looks=LOOKS
    )
    return html, 422 if form.errors else 200


def _revised(user: User, form: UserForm, region: Region) -> Response:
    waits = actions.revise(
        current_user,
        user,
        name=form.name.data,
        roles=form.chosen_roles,
        region=region,
        version=form.version.data,
        reason=form.reason.data,
    )
    more = (
        "授权申请已提交，安全管理员复核后生效；在那以前保持原来的角色和地区。" if waits else "对已登录的会话同样生效。"
    )
    flash(f"{user.name}的账号已保存。{more}")
    return redirect(url_for(".show_user", user_id=user.id))


@bp.post("/users/<int:user_id>/invitation")
@needs(Can.READ_USERS)
def invite_user(user_id: int) -> ResponseReturnValue:
    """A new one-time link for somebody who has no password yet or has lost it; whose it is to make: ``actions``."""
    user = queries.one(user_id, current_user)
    token = actions.invite(current_user, user)
    link = url_for(".invitation", token=token, _external=True)
    heading = "密码重置链接已生成" if user.password_hash else "设置密码的链接已生成"
    lasts = signing_in.INVITATION_LASTS.days
    response = make_response(render_template("accounts/link.html", user=user, link=link, heading=heading, days=lasts))
    response.headers["Cache-Control"] = "no-store"  # a secret is in it: kept by no browser and no proxy
    return response


@bp.post("/users/<int:user_id>/password-reset")
@needs(Can.MANAGE_USERS)
def ask_reset(user_id: int) -> ResponseReturnValue:
    """Ask that another administrator gets a new password; a security administrator agrees and makes the link."""
    user, form = queries.one(user_id, current_user), ResetForm()
    if actions.why_no_reset(current_user, user) is None and not form.validate_on_submit():
        return _page(user, form)
    actions.ask_reset(current_user._get_current_object(), user, form.reason.data or "")
    flash(f"已申请重置{user.name}的密码。安全管理员复核后，由安全管理员在这里生成链接。")
    return redirect(url_for(".show_user", user_id=user.id))


@bp.post("/users/<int:user_id>/disable", defaults={"is_active": False}, endpoint="disable_user")
@bp.post("/users/<int:user_id>/enable", defaults={"is_active": True}, endpoint="enable_user")
@needs(Can.MANAGE_USERS)
def switch_user(user_id: int, is_active: bool) -> Response:
    """Close an account, or open it again."""
    user = queries.one(user_id, current_user)
    actions.set_active(current_user, user, is_active=is_active)
    flash(f"{user.name}的账号已启用。" if is_active else f"{user.name}的账号已停用，已登录的会话立即失效。")
    return redirect(url_for(".show_user", user_id=user.id))


def _regions() -> list[Any]:
    return choice_list(queries.region_choices(current_user.region), blank="选择地区")


def _word(words: Any, name: str) -> Any:
    asked = request.args.get(name, "")
    return words(asked) if asked in set(words) else None
