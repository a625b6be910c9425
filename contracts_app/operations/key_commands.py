"""The keys of what lies sealed in the database: ``flask --app wsgi keys list | rotate``."""

import json

import click
from flask import current_app

from contracts_app.accounts.models import AT_THE_MACHINE
from contracts_app.core import releases
from contracts_app.core.db import reading_beside, unit_of_work
from contracts_app.core.keeping import resealing
from contracts_app.core.keeping.sealing import key_ring
from contracts_app.core.trail import audit

_FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group()
def keys() -> None:
    """The keys under which personal data and second factors lie in the database. They are never printed."""


@keys.command(name="list")
@_FORMAT
def list_keys(form: str) -> None:
    """Which keys there are and how many values of each column lie under each."""
    ring, used = key_ring(), resealing.in_use()
    numbers = [key.number for key in ring.keys]
    if form == "json":
        click.echo(json.dumps({"file": str(ring.file), "keys": numbers, "seals": ring.newest, "used": used}, indent=2))
    else:
        click.echo(f"密钥文件：{ring.file}")
        for number in numbers:
            columns = [f"{purpose} {counts[number]}" for purpose, counts in used.items() if number in counts]
            now = "，现在用它加密" if number == ring.newest else ""
            click.echo(f"密钥 {number}{now}：{'，'.join(columns) or '没有内容在用'}")
    lost = {purpose: counts[0] for purpose, counts in used.items() if 0 in counts}
    if lost:
        told = "，".join(f"{purpose} {count}" for purpose, count in lost.items())
        raise click.ClickException(f"有的内容所用的密钥不在文件里：{told}。换回原来的密钥文件。")


@keys.command()
@click.option("--drop-old", is_flag=True, help="Afterwards forget the keys that nothing uses any more.")
@_FORMAT
def rotate(drop_old: bool, form: str) -> None:
    """Take a new key and seal everything with it, while people work. Interrupted, it goes on when called again."""
    with reading_beside() as connection:
        releases.leave_writing_to_the_newer(current_app, connection)  # before a key is taken
    done = resealing.rotate(lambda purpose, count: click.echo(f"{purpose}：{count}", err=True), drop_old=drop_old)
    with unit_of_work():
        audit.record("rotate_keys", AT_THE_MACHINE, number=str(done.number))
    facts = {"key": done.number, "is_new": done.is_new, "resealed": done.resealed, "unopened": done.unopened}
    if form == "json":
        dropped = {"dropped": done.dropped, "still_used": done.still_used}
        click.echo(json.dumps(facts | dropped, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{'已启用新密钥' if done.is_new else '接着上次的轮换，密钥'} {done.number}。")
        for purpose, count in done.resealed.items():
            click.echo(f"{purpose}：重新加密 {count} 项")
        if done.dropped:
            gone = "、".join(map(str, done.dropped))
            click.echo(f"已删除旧密钥 {gone}；轮换前的备份还要用，另处保存的不要删。")
        if done.still_used:
            click.echo(f"旧密钥 {'、'.join(map(str, done.still_used))} 还有内容在用，没有删除。")
    if done.unopened:
        told = "，".join(f"{purpose} {count} 项" for purpose, count in done.unopened.items())
        raise click.ClickException(f"打不开，保持原样：{told}。换回原来的密钥文件后再轮换一次。")
