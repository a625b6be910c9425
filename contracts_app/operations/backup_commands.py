"""Backups from the command line: ``flask --app wsgi backup create | list | verify | restore | …``."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import current_app
from sqlalchemy.exc import DBAPIError

from contracts_app.accounts.models import AT_THE_MACHINE
from contracts_app.core.clock import local, now_utc
from contracts_app.core.db import unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.core.keeping.files import size_label
from contracts_app.core.keeping.resealing import is_anything_sealed
from contracts_app.core.keeping.sealing import key_ring
from contracts_app.core.settings import Settings
from contracts_app.core.trail import audit

from .backup import DATA_KEYS, Backup, backups, create, kept_until, one, remove, rotate
from .backup_check import Check, Finding
from .backup_restore import Compared, Place, Restoring
from .rotation import Keep
from .vault import FULL, Damaged, vault_of

_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
_SHOWN = 20  # faults of one kind on the screen; --format json has all


@click.group()
def backup() -> None:
    """Back up database and files, encrypted, while people work; list, check, rotate, and bring back with proof."""


@backup.command(name="create")
@_FORMAT
def create_backup(form: str) -> None:
    """Make a backup, then let those go whose time is over. Fails without a contract's file or the data keys."""
    settings = _settings()
    had_key = vault_of(settings).keys.are_there
    with _told():
        made = create()
    if not had_key:
        key = vault_of(settings).keys.file
        click.echo(f"已生成备份密钥 {key}。马上用 backup key 打印并另处保存：没有它，备份打不开。", err=True)
    facts = {
        **{
            name: getattr(made, name)
            for name in ("name", "database", "migration", "seconds", "added", "gone", "missing")
        },
        "at": made.at.isoformat(),
        "database_size": made.database_size,
        "files": made.count,
        "files_size": made.size,
    }
    if form == "json":
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        click.echo(made.name)
        click.echo(
            f"数据库 {size_label(made.database_size)}，附件 {made.count} 个 {size_label(made.size)}；"
            f"新写入 {size_label(made.added)}，用时 {made.seconds:.1f} 秒。",
            err=True,
        )
    faults = [f"附件 {sha256} 缺失或损坏，备份里没有它。" for sha256 in made.missing]
    if DATA_KEYS not in made.papers and is_anything_sealed():
        faults.append(
            f"备份里没有数据密钥：{key_ring().file} 不在。没有它，加密的电话、地址和两步验证恢复后打不开。"
            "把密钥文件放回去，再备份一次。"
        )
    if faults:
        _fail(*faults)


@backup.command(name="list")
@_FORMAT
def list_backups(form: str) -> None:
    """Print every backup, the newest first: what it holds, how long it stays, when it was checked."""
    settings = _settings()
    with _told():
        found = backups(vault_of(settings))
        ends = kept_until(found, Keep(*settings.backup_keep))
        facts = [_facts(backup, ends[backup.name]) for backup in reversed(found)]
    if form == "json":
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2, default=str))
        return
    heads = ("名称", "时间", "距今", "数据库", "附件", "新写入", "保留到", "核对")
    click.echo(_table(heads, [_line(one) for one in facts]))


def _facts(backup: Backup, until: date) -> dict[str, Any]:
    checked = backup.checked
    facts: dict[str, Any] = {
        "name": backup.name,
        "at": backup.at.isoformat(),
        "age_seconds": int((now_utc() - backup.at).total_seconds()),
        "kept_until": str(until),
        "verified_at": checked.at.isoformat() if checked else None,
        "faults": checked.faults if checked else None,
    }
    try:
        one = backup.manifest
    except Damaged as damage:
        return {**facts, "damaged": str(damage)}
    facts |= {name: getattr(one, name) for name in ("database", "migration", "version", "seconds", "added")}
    return {**facts, "database_size": one.database_size, "files": one.count, "files_size": one.size}


def _line(one: dict[str, Any]) -> tuple[str, ...]:
    moment = f"{local(datetime.fromisoformat(one['at'])):%Y-%m-%d %H:%M}"
    age = _age(timedelta(seconds=one["age_seconds"]))
    checked = "—"
    if one["verified_at"]:
        found = f"{one['faults']} 处损坏" if one["faults"] else "完好"
        checked = f"{local(datetime.fromisoformat(one['verified_at'])):%Y-%m-%d %H:%M} {found}"
    if "damaged" in one:
        return one["name"], moment, age, "读不出来", "", "", one["kept_until"], checked
    return (
        *(one["name"], moment, age, f"{one['database']} {size_label(one['database_size'])}"),
        *(f"{one['files']} 个 {size_label(one['files_size'])}", size_label(one["added"]), one["kept_until"], checked),
    )


@backup.command()
@click.argument("name", default="latest")
@click.option("--all", "every", is_flag=True, help="Every backup; what they share is read once.")
@click.option("--set-aside", is_flag=True, help="Put damaged objects aside: the next backup writes them anew.")
@_FORMAT
def verify(name: str, every: bool, set_aside: bool, form: str) -> None:
    """Open everything that a backup (the newest, if none is named) stands on and hold it against its hashes."""
    vault = vault_of(_settings())
    with _told():
        chosen = backups(vault) if every else [one(vault, name)]
        check, findings = Check(vault, sets_aside=set_aside), []
        for backup in chosen:
            findings.append(check.of(backup))
            if form == "table":
                _tell(findings[-1])
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    if damaged := sum(1 for finding in findings if finding.faults):
        _fail(f"{damaged} 份备份有损坏，不能作为依据。")


def _tell(finding: Finding) -> None:
    what = f"{finding.objects} 个对象，{size_label(finding.size)}"
    click.echo(f"{finding.backup}：{'有损坏' if finding.faults else '完好'}（{what}）")
    _list_faults(finding.faults)


@backup.command()
@click.argument("name", default="latest")
@click.option("--into", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Empty folder.")
@click.option("--database", "url", help="URL of an empty PostgreSQL database, for a backup of PostgreSQL.")
@click.option("--migrate", is_flag=True, help="Bring the restored database to the newest migration.")
@_FORMAT
def restore(name: str, folder: Path, url: str | None, migrate: bool, form: str) -> None:
    """Bring a backup back to an empty place, count and hash everything again, and print what was compared."""
    place = Place(folder.resolve(), url or f"sqlite:///{folder.resolve() / 'contracts.db'}")
    begun = time.monotonic()
    with _told(f"恢复没有完成：清空 {folder} 和数据库后重试。"):
        chosen = one(vault_of(_settings()), name)
        compared = Restoring(chosen, place, migrate, lambda step: click.echo(f"{step}……", err=True)).run()
    seconds = time.monotonic() - begun
    faults = sum(len(one.faults) for one in compared)
    if form == "json":
        told = {
            "name": chosen.name,
            "seconds": seconds,
            "faults": faults,
            "compared": [asdict(one) for one in compared],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell_comparison(compared)
        click.echo(f"备份 {chosen.name} 已恢复到 {folder}，用时 {seconds:.1f} 秒。", err=True)
    if faults:
        _fail(f"{faults} 处与备份不符。")


def _tell_comparison(compared: Sequence[Compared]) -> None:
    lines = [
        (
            one.what,
            one.then or "—",
            one.now,
            f"{len(one.faults)} 处不符" if one.faults else "相符",
            f"{one.seconds:.1f}",
        )
        for one in compared
    ]
    click.echo(_table(("核对", "备份时", "恢复后", "结果", "秒"), lines))
    for line in compared:
        _list_faults(line.faults)


@backup.command(name="remove")
@click.argument("name")
def remove_backup(name: str) -> None:
    """Let one backup go before its time: of what must not be kept anywhere, such as a classified file."""
    with _told():
        remove(vault_of(_settings()), name)
    click.echo(f"已删除备份 {name}。", err=True)


@backup.command(name="rotate")
def rotate_backups() -> None:
    """Let the backups go whose time is over, as after each new one: for a full disk."""
    settings = _settings()
    vault = vault_of(settings)
    with _told(), vault.writing():
        for name in rotate(vault, Keep(*settings.backup_keep)):
            click.echo(name)


@backup.command()
@click.option("--new", is_flag=True, help="Take a new key for the backups to come; older ones still need the older.")
def key(new: bool) -> None:
    """Print the keys of the backups, oldest first, to be kept somewhere else: on paper, in a safe. The log tells."""
    keys = vault_of(_settings()).keys
    with _told():
        if new:
            keys.add()
        elif not keys.are_there:
            keys.newest  # noqa: B018  (says where a key is looked for)
    with _told("操作记录写不进数据库，没有打印密钥。"), unit_of_work():  # first written down, then shown
        if new:
            audit.record("take_backup_key", AT_THE_MACHINE, subject="backup")
        audit.record("print_backup_keys", AT_THE_MACHINE, subject="backup")
    for line in keys.written:
        click.echo(line)
    click.echo(f"以上是 {keys.file} 的全部内容。与备份分开保管；恢复时原样写回文件。", err=True)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


@contextmanager
def _told(*more: str) -> Iterator[None]:
    """What can go wrong, as sentences; ``more`` is said where something was begun."""
    try:
        yield
    except Refused as refused:
        _fail(*refused.reasons)
    except Damaged as damage:
        _fail(f"备份已损坏：{damage}。", *more)
    except OSError as error:
        if error.errno in FULL:
            _fail("磁盘已满，没有完成；已有的备份没有变。腾出空间，或用 backup rotate 删去过期的，然后重试。", *more)
        where = f"{error.filename}：" if error.filename else ""
        _fail(f"{where}{os.strerror(error.errno) if error.errno else error}。确认备份文件夹可以读写，然后重试。", *more)
    except (DBAPIError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        if "full" in str(cause):
            _fail("磁盘已满，没有完成；已有的备份没有变。腾出空间后重试。", *more)
        _fail(f"数据库出错，没有完成：{str(cause).splitlines()[0]}。", *more)


def _age(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    if hours < 1:
        return f"{int(age.total_seconds() // 60)} 分钟"
    return f"{hours} 小时" if hours < 48 else f"{age.days} 天"


def _list_faults(faults: Sequence[str]) -> None:
    for fault in faults[:_SHOWN]:
        click.echo(f"  {fault}")
    if len(faults) > _SHOWN:
        click.echo(f"  ……另有 {len(faults) - _SHOWN} 处，用 --format json 全部列出")


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines))


def _fail(*sentences: str) -> NoReturn:
    for sentence in sentences:
        click.echo(sentence, err=True)
    raise SystemExit(1)
