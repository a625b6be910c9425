"""Accounts from the command line, for whoever has lost the last administrator's password."""

import json

import click
from flask import current_app
from sqlalchemy import select

from contracts_app.accounts import queries
from contracts_app.accounts.entrance import lock_outs, passwords, second_factor, signing_in
from contracts_app.accounts.models import AT_THE_MACHINE, User
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.settings import Settings
from contracts_app.core.trail import audit
from contracts_app.core.web.nav import role_words

from .actions import why_no_link


@click.group()
def users() -> None:
    """List accounts, make links with which a password is set, open locks, forget lost second factors."""


@users.command(name="list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_users(form: str) -> None:
    """Print every account: username, name, roles, region, whether it can be used."""
    lines = [
        {
            "username": user.username,
            "name": user.name,
            "roles": sorted(role.value for role in user.own_roles) if form == "json" else role_words(user),
            "region": user.region.name,
            "condition": queries.condition_of(user).value if form == "json" else queries.condition_of(user).label,
        }
        for user in db.session.scalars(select(User).order_by(User.username, User.id))
    ]
    if form == "json":
        click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo("\t".join(str(value) for value in line.values()))


@users.command()
@click.argument("username")
def invite(username: str) -> None:
    """Print a one-time link with which this person sets a new password. Earlier links stop working."""
    with unit_of_work():
        user = queries.by_username(username)
        if user is None or not user.is_active:
            click.echo(f"没有用户名为 {username} 的在用账号。用 users list 查看。", err=True)
            raise SystemExit(1)
        if reason := why_no_link(user):
            click.echo(f"{reason}。", err=True)
            raise SystemExit(1)
        token = signing_in.invite(user)
        audit.record("invite", AT_THE_MACHINE, subject="user", subject_id=user.id)
    settings: Settings = current_app.config["SETTINGS"]
    click.echo(f"{user.name}用下面的链接设置密码，{signing_in.INVITATION_LASTS.days} 天内有效，只能用一次：", err=True)
    click.echo(f"http://{settings.host}:{settings.port}/invitations/{token}")


@users.command()
@click.argument("username")
def unlock(username: str) -> None:
    """Open a name that is locked after too many failures, for every browser."""
    with unit_of_work():
        lock_outs.unlock(_known(username), AT_THE_MACHINE)
    click.echo(f"{username} 已解锁。", err=True)


@users.command(name="reset")
@click.argument("username")
def reset_second_factor(username: str) -> None:
    """Forget the second factor of somebody who has lost it with the recovery codes; running sessions end."""
    with unit_of_work():
        second_factor.reset_second_factor(_known(username), AT_THE_MACHINE)
    click.echo(f"{username} 的两步验证已清除，需要用的下次登录时重新设置。", err=True)


@users.command(name="passwords")
@click.argument("profile", type=click.Choice([one.value for one in passwords.Profile]))
def password_rules(profile: str) -> None:
    """Choose which rules hold for passwords here."""
    with unit_of_work():
        chosen = passwords.Profile(profile)  # type: ignore[call-arg]
        passwords.choose_profile(chosen, AT_THE_MACHINE)
    click.echo(f"密码规定：{passwords.profile().label}。", err=True)


def _known(username: str) -> User:
    user = queries.by_username(username)
    if user is None:
        click.echo(f"没有用户名为 {username} 的账号。用 users list 查看。", err=True)
        raise SystemExit(1)
    return user
