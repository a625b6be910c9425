"""Snapshots from the command line: ``flask --app wsgi snapshot create | show | list | verify``."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

import click
from sqlalchemy import select

from contracts_app.accounts import queries as accounts
from contracts_app.accounts.models import Onlooker, User
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import local
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.regions import queries as regions
from contracts_app.regions.models import Region
from contracts_app.statistics.measures import PLAIN
from contracts_app.statistics.periods import Period, PeriodError

from . import snapshots
from .models import Snapshot
from .snapshot_restatement import because, restated
from .snapshots import Frozen, Publication

Lines = Sequence[Sequence[str]]
_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


@click.group()
def snapshot() -> None:
    """Freeze figures as they are published, show them beside what they are today, prove that none was altered."""


@snapshot.command()
@click.option("--year", type=click.IntRange(1985, 2100), help="The whole year, where no period is said.")
@click.option("--period", "text", help="2025, 2025-H1, 2025-Q1, 2025-03, or 2025-M2 for January and February.")
@click.option("--region", "code", help="Code of the city or of an assessment unit; the whole city if none is said.")
@click.option("--title", help="What it is published as.")
@click.option("--document", default="", help="文号 or name of the notice.")
@click.option("--published-on", type=click.DateTime(["%Y-%m-%d"]), help="The day it was published.")
@click.option("--by", "username", help="Username of the manager who publishes; else it says 命令行.")
@click.option("--close", "closes", is_flag=True, help="Close the period's books too. Cannot be undone.")
@_FORMAT
def create(
    year: int | None,
    text: str | None,
    code: str | None,
    title: str | None,
    document: str,
    published_on: datetime | None,
    username: str | None,
    closes: bool,
    form: str,
) -> None:
    """Freeze the figures of a region and period as they stand now; prints the snapshot's number."""
    period, region, person = _period(year, text), _region(code), _person(username)
    name = (title or f"{period.name}{region.name}技术合同认定登记情况").strip()
    publication = Publication(name[:120], document[:120], published_on.date() if published_on else None)
    try:
        with unit_of_work():
            made = snapshots.freeze(region, period, publication, person)
            if closes:
                snapshots.close(Frozen(made), person)
    except Refused as refused:
        _fail(*refused.reasons)
    if form == "json":
        click.echo(json.dumps(_facts(Frozen(made)), ensure_ascii=False, indent=2))
        return
    click.echo(made.id)
    frozen = Frozen(made)
    closed = f"，{period.last} 及以前已封账" if frozen.is_closed else ""
    click.echo(f"已封存：{made.title}（第 {made.number} 版，截至 {frozen.until}{closed}）。", err=True)


@snapshot.command()
@click.argument("snapshot_id", type=click.IntRange(1, 2**31 - 1))
@_FORMAT
def show(snapshot_id: int, form: str) -> None:
    """Print a snapshot's figures, what they come to today, and the difference. Amounts in 元."""
    frozen = _frozen(snapshot_id)
    if form == "json":
        held = {"sha256": frozen.snapshot.content_hash, "content": frozen.content}
        shown = {caliber.value: _restated(frozen, caliber) for caliber in Caliber}
        click.echo(json.dumps({**_facts(frozen), **held, "restated": shown}, ensure_ascii=False, indent=2))
        return
    click.echo(f"{frozen.snapshot.title}（第 {frozen.snapshot.number} 版，截至 {frozen.until}）\n")
    for caliber in Caliber:
        whole = restated(frozen, caliber).whole
        lines = [
            (one.label, *(_written(getattr(of, one.code)) for of in (whole.published, whole.restated, whole.added)))
            for one in PLAIN
        ]
        click.echo(_table((caliber.label, "发布数", "现在重述", "差额"), lines) + "\n")
    click.echo(f"校验值 {frozen.snapshot.content_hash}")


@snapshot.command(name="list")
@_FORMAT
def list_snapshots(form: str) -> None:
    """Print every snapshot, the last made first."""
    found = [Frozen(one) for one in db.session.scalars(select(Snapshot).order_by(Snapshot.id.desc()))]
    if form == "json":
        click.echo(json.dumps([_facts(one) for one in found], ensure_ascii=False, indent=2))
        return
    heads = ("编号", "地区", "期间", "版次", "发布名称", "取数时间", "封账")
    lines = [
        (
            str(one.snapshot.id),
            one.snapshot.region.name,
            one.period.name,
            str(one.snapshot.number),
            one.snapshot.title,
            f"{local(one.snapshot.as_of):%Y-%m-%d %H:%M}",
            "已封账" if one.is_closed else "—",
        )
        for one in found
    ]
    click.echo(_table(heads, lines))


@snapshot.command()
@click.argument("snapshot_id", type=click.IntRange(1, 2**31 - 1), required=False)
def verify(snapshot_id: int | None) -> None:
    """Prove that snapshots are what was frozen and say what they come to today; fail only where one was altered."""
    if snapshot_id is not None:
        _frozen(snapshot_id)
    altered = 0
    for verdict in snapshots.verdicts(snapshot_id):
        name = f"{verdict.snapshot.id} {verdict.snapshot.title}（第 {verdict.snapshot.number} 版）"
        if verdict.is_intact:
            click.echo(f"{name}：未改动，{_standing(Frozen(verdict.snapshot))}")
        else:
            altered += 1
            click.echo(f"{name}：{'；'.join(verdict.faults)}")
    for title in snapshots.taken_away() if snapshot_id is None else ():
        altered += 1
        click.echo(f"{title}：操作记录里有它，快照已被取走")
    if altered:
        _fail(f"{altered} 份快照与封存时不符，不能作为依据。")


def _standing(frozen: Frozen) -> str:
    whole = restated(frozen, Caliber.REGISTERED).whole
    entries = because(frozen).total
    if not entries:
        return "与现在的数一致"
    return (
        f"{entries} 笔后来的变动，重述 {whole.restated.contracts} 项 {whole.restated.total_amount:.2f} 元"
        f"（差额 {whole.added.contracts:+d} 项 {whole.added.total_amount:+.2f} 元）"
    )


def _facts(frozen: Frozen) -> dict[str, object]:
    one = frozen.snapshot
    return {
        "id": one.id,
        "region": one.region_code,
        "period": one.period,
        "number": one.number,
        "title": one.title,
        "document": one.document,
        "published_on": str(one.published_on) if one.published_on else None,
        "as_of": frozen.content["as_of"],
        "until": str(frozen.until),
        "closed": frozen.is_closed,
        "sha256": one.content_hash,
    }


def _restated(frozen: Frozen, caliber: Caliber) -> dict[str, object]:
    whole = restated(frozen, caliber).whole
    return {one.code: one.plain(getattr(whole.restated, one.code)) for one in PLAIN}


def _written(value: Decimal | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _table(heads: Sequence[str], lines: Lines) -> str:
    rows = [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines)]
    return "\n".join(rows)


def _period(year: int | None, text: str | None) -> Period:
    if not text and year is None:
        _fail("用 --year 或 --period 说明期间。")
    try:
        period = Period.parse(text or str(year))
    except PeriodError as error:
        _fail(str(error))
    if year is not None and period.year != year:
        _fail(f"--year {year} 与 --period {text} 不是同一年。")
    return period


def _region(code: str | None) -> Region:
    if code is None:
        return Onlooker.of_all().region
    found = regions.region(code)
    if found is None:
        _fail(f"没有代码为 {code} 的地区。")
    return found


def _person(username: str | None) -> User | None:
    if username is None:
        return None
    found = accounts.by_username(username)
    if found is None:
        _fail(f"没有用户名为 {username} 的账号。用 users list 查看。")
    return found


def _frozen(snapshot_id: int) -> Frozen:
    found = db.session.get(Snapshot, snapshot_id)
    if found is None:
        _fail(f"没有编号为 {snapshot_id} 的快照。用 snapshot list 查看。")
    return Frozen(found)


def _fail(*sentences: str) -> NoReturn:
    for sentence in sentences:
        click.echo(sentence, err=True)
    raise SystemExit(1)
