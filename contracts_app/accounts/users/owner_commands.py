"""Accounts from the command line: what nobody uses, and what the owner of the machine does when too few are left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from contracts_app.accounts import dormancy, queries
from contracts_app.accounts.models import AT_THE_MACHINE, GrantStage, RoleGrant, User
from contracts_app.accounts.offices import grants
from contracts_app.accounts.roles import Role
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.core.web.nav import role_words
from contracts_app.regions.queries import region

from . import actions
from .commands import users

REASON = click.option("--reason", required=True, help="Why, for the log; it says 命令行 did it.")


@users.command()
@click.option("--days", type=click.IntRange(min=1), default=dormancy.UNSEEN_DAYS, show_default=True)
@click.option(
    "--unused-days",
    type=click.IntRange(min=1),
    default=dormancy.UNUSED_DAYS,
    show_default=True,
    help="For accounts in which nobody ever signed in.",
)
@click.option("--disable", is_flag=True, help="Disable them; without it they are listed only.")
def dormant(days: int, unused_days: int, disable: bool) -> None:
    """Print the accounts in which nobody signed in for so many days. Never the last one of the three (三员).

    Run once a day with --disable. Enabling one again is for an administrator, in the application.
    """
    with _said(), unit_of_work():
        found = dormancy.dormant(days, unused_days)
        if disable:
            actions.disable_dormant(found, AT_THE_MACHINE)
    for user in found:
        click.echo(f"{user.username}\t{user.name}\t{role_words(user)}\t{user.region.name}\t{dormancy.words(user)}")
    done = "已停用" if disable else "可以停用（加 --disable）"
    click.echo(f"长期没有登录的账号 {len(found)} 个{'，' + done if found else ''}。", err=True)


@users.command()
def pending() -> None:
    """Print the requests for roles that wait for a security administrator."""
    for one in db.session.scalars(grants.shown().where(RoleGrant.stage == GrantStage.WAITING)):
        asked_by = one.proposed_by.name if one.proposed_by else AT_THE_MACHINE
        after = f"{grants.words(one.roles_after)}（{one.region_after.name}）"
        click.echo(f"{one.user.username}\t{one.user.name}\t{after}\t{asked_by}\t{one.reason}")


@users.command()
@click.argument("username")
@REASON
def confirm(username: str, reason: str) -> None:
    """Confirm what an administrator asked for, when no security administrator is left who could."""
    with _said(), unit_of_work():
        user = _account(username)
        waits = grants.standing(user)
        if waits is None:
            _fail(f"{username} 没有待复核的授权。用 users pending 查看。")
        grants.confirm_at_machine(AT_THE_MACHINE, waits, reason)
    click.echo(f"{user.name}：{role_words(user)}（{user.region.name}）")


@users.command()
@click.argument("username")
@click.option("--roles", required=True, help=f"Parted by commas: {', '.join(Role)}. Exactly these.")
@click.option("--region", "code", help="Code of the region; the one of the account if none is said.")
@REASON
def grant(username: str, roles: str, code: str | None, reason: str) -> None:
    """Give an account these roles without a second person, when too few are left to do it in the application."""
    with _said(), unit_of_work():
        user = _account(username)
        wanted = [one.strip() for one in roles.split(",") if one.strip()]
        if unknown := set(wanted) - set(Role):
            _fail(f"没有这样的角色：{'、'.join(sorted(unknown))}。可用的：{'、'.join(Role)}。")
        place = region(code) if code else user.region
        if place is None:
            _fail(f"没有代码为 {code} 的地区。")
        grants.grant_at_machine(
            AT_THE_MACHINE, user, roles=frozenset(role for role in Role if role in wanted), region=place, reason=reason
        )
    click.echo(f"{user.name}：{role_words(user)}（{user.region.name}）")


def _account(username: str) -> User:
    user = queries.by_username(username)
    if user is None:
        _fail(f"没有用户名为 {username} 的账号。用 users list 查看。")
    return user


@contextmanager
def _said() -> Iterator[None]:
    """What is refused is said as on a page."""
    try:
        yield
    except Refused as refusal:
        _fail(" ".join(refusal.reasons))
    except ValueError as wrong:
        _fail(f"{wrong}。")


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
