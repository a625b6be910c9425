"""The command line: ``flask --app wsgi init | seed | demo | workflow | totals | start | users | rules | files | …``.

Results go to stdout, messages to stderr, and the exit status is 0 only when it worked.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask, current_app
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.users import actions as accounts
from contracts_app.accounts.users.owner_commands import users
from contracts_app.accounts.watching.commands import audit_group
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.checking.rule_commands import rules
from contracts_app.contracts.counting import summaries as sums
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.filing.file_commands import files
from contracts_app.contracts.finding.search_commands import reindex
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core import logs
from contracts_app.core.clock import today
from contracts_app.core.database import migrations
from contracts_app.core.database.migrations import Standing
from contracts_app.core.database.seeds import SeedFaults
from contracts_app.core.db import db, only_reading, unit_of_work
from contracts_app.core.installation import fact, set_fact
from contracts_app.core.settings import Settings
from contracts_app.core.workflow import Guard
from contracts_app.demo import loading
from contracts_app.operations import serving
from contracts_app.operations.access_commands import access
from contracts_app.operations.backup_commands import backup
from contracts_app.operations.doctor_commands import doctor
from contracts_app.operations.key_commands import keys
from contracts_app.reference import edition, load_reference
from contracts_app.regions.queries import units
from contracts_app.statistics.publishing.snapshot_commands import snapshot
from contracts_app.statistics.reporting.commands import report_command
from contracts_app.statistics.totals import printing
from contracts_app.targets.commands import targets
from contracts_app.tracking import queries as money

console = Console(stderr=True, highlight=False, soft_wrap=True)
REFERENCE = "reference_edition"  # the fact that says which reference files were loaded last


def init_app(app: Flask) -> None:
    for command in (init, seed, demo, workflow, totals, start, users, rules, files, reindex, targets, check_migrations):
        app.cli.add_command(command)
    app.cli.add_command(audit_group)
    app.cli.add_command(snapshot)
    app.cli.add_command(report_command)
    app.cli.add_command(doctor)
    app.cli.add_command(access)
    app.cli.add_command(backup)
    app.cli.add_command(keys)


@click.command()
def init() -> None:
    """Make the database ready: migrations and reference data. May be run again at any time.

    For an office of its own, prints one-time links with which the first system administrator, security administrator
    and auditor set their passwords: three persons. Of a role that somebody has already it prints none.
    """
    make_ready()
    with unit_of_work():
        first = accounts.first_of_three()
    if not first:
        console.print("数据库已就绪；系统管理员、安全管理员、审计员都已经有人。")
        return
    settings: Settings = current_app.config["SETTINGS"]
    console.print("数据库已就绪。下面的链接分别交给三个人（三员分立，不能由一个人兼任），24 小时内有效，各用一次：")
    for role, (user, token) in first.items():
        click.echo(
            f"{role.label}（用户名 {user.username}）：http://{settings.host}:{settings.port}/invitations/{token}"
        )


def make_ready() -> None:
    """Bring the database to the newest migration and load the reference data, saying so where it takes time.

    Each is done where it is needed, so that an installation that was interrupted between the two is completed.
    """
    settings: Settings = current_app.config["SETTINGS"]
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_current():
        with console.status("正在建立或升级数据库……"):
            migrations.upgrade(db.engine)
        console.print("数据库结构已是最新。")
    if fact(REFERENCE) != edition():
        _load_reference()
    if sums.waiting() > sums.FOLDED_FROM:
        with console.status("正在汇总台账……"):
            sums.fold()


def _is_current() -> bool:
    url = db.engine.url
    try:
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).touch(mode=0o600)  # SQLite itself would let everybody read it; -wal and -shm follow
        standing = migrations.standing(db.engine)
    except (OperationalError, OSError):
        where = url.render_as_string(hide_password=True)
        _fail(f"数据库打不开：{where}。确认它已启动、可以读写，DATABASE_URL 没有写错，然后重试。")
    if standing is Standing.AHEAD:
        _fail("数据库属于更新的版本。换上新版本的程序；要退回这个版本，先用新版本运行 migrations to。")
    return standing is Standing.CURRENT


@click.command()
def seed() -> None:
    """Load the reference data of seeds/reference again: new and changed rows are taken over, none is doubled."""
    _load_reference()


def _load_reference() -> None:
    try:
        with console.status("正在载入参考数据……"), unit_of_work() as work:
            report = load_reference(work)
            set_fact(REFERENCE, edition())
    except SeedFaults as error:
        for fault in error.faults:
            console.print(str(fault), markup=False)
        _fail("参考数据有错，什么都没有载入。改正上面各行后重试。")
    console.print(f"参考数据已载入，新增或更新 {report.changed} 行。")


@click.command()
@click.option(
    "--format", "form", type=click.Choice(["table", "mermaid", "json", "page"]), default="table", show_default=True
)
def workflow(form: str) -> None:
    """Print the contract workflow as it is declared: states, moves, and who may make them.

    ``page`` is docs/WORKFLOW.md, which a test compares with the declaration.
    """
    shapes = {
        "table": workflow_table,
        "mermaid": CONTRACT.mermaid,
        "json": lambda: json.dumps(CONTRACT.describe(), ensure_ascii=False, indent=2),
        "page": workflow_page,
    }
    click.echo(shapes[form]())


def workflow_table() -> str:
    """A line for each arrow: who may move what from where to where."""
    lines = ["| move | 动作 | from | to | who |", "| --- | --- | --- | --- | --- |"]
    for name, source, target, role in CONTRACT.table():
        lines.append(f"| `{name}` | {CONTRACT.moves[name].label} | {source} | {target} | {role} |")
    return "\n".join(lines)


def workflow_page() -> str:
    """The page of the documentation: diagram, table, and what each move asks and checks."""
    parts = [
        f"# {CONTRACT.name}",
        "Written by `flask --app wsgi workflow --format page > docs/WORKFLOW.md`"
        " from `contracts_app/contracts/workflow.py`; a test compares the two.",
        f"```mermaid\n{CONTRACT.mermaid()}\n```",
        workflow_table(),
        "| move | asks | guards | explains |\n| --- | --- | --- | --- |",
    ]
    page = "\n\n".join(parts)
    for move in CONTRACT:
        asks, guards = (", ".join(f"`{name}`" for name in names) for names in (move.asks, _names(move.guards)))
        page += f"\n| `{move.name}` {move.label} | {asks} | {guards} | {move.explains} |"
    return page


def _names(guards: tuple[Guard, ...]) -> list[str]:
    return [guard.__name__ for guard in guards]


@click.group(invoke_without_command=True)
@click.option("--year", type=click.IntRange(1985, 2100), help="Year of registration; this year if none is said.")
@click.option("--since", type=click.IntRange(1985, 2100), help="First of several years; --year is the last.")
@click.option("--by", help=f"One or two dimensions, parted by a comma: {', '.join(DIMENSIONS)}.")
@click.option("--caliber", type=click.Choice([one.value for one in Caliber]), help="By whose place it is counted.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The last day that counts.")
@click.option("--unit", help="Code of one assessment unit; the whole city if none is said.")
@click.option("--show", "more", multiple=True, type=click.Choice(list(printing.MORE)), help="Of the total amount, too.")
@click.option("--total/--no-total", default=None, help="A last row of all; only of a table if nothing is said.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_context
def totals(
    context: click.Context,
    year: int | None,
    by: str | None,
    more: tuple[str, ...],
    total: bool | None,
    form: str,
    **asked: Any,
) -> None:
    """Print a year's totals by unit against targets, whole city: what 年度总览 shows. Amounts in 元.

    With --by, or anything else that is asked: numbers and the four amounts by these dimensions, 分类统计.
    --show may be repeated: what a contract has on average, the share of the whole, the same days of last year, growth.
    """
    if context.invoked_subcommand is not None:
        return
    if by is None and not any(asked.values()):
        found = printing.of_units(year or today().year, units(), more)
    else:
        try:
            dimensions = printing.dimensions_of(by or "unit")
            query = printing.query_of(year or today().year, **asked)
        except ValueError as wrong:
            raise click.UsageError(str(wrong)) from None
        found = printing.of_dimensions(query, Onlooker.of_all(), dimensions, more)
    click.echo(printing.AS[form](found, total=form == "table" if total is None else total))


@totals.command()
def verify() -> None:
    """Count again: the summaries from the ledger, the ledger from the contracts; fail with everything that differs."""
    with only_reading(), _watched("正在重新计数") as told:
        compared = _compared()
        differences = [*ledger.verify(), *money.verify(), *sums.verify(told)]
    if differences:
        for one in differences:
            click.echo(one)
        _fail(f"统计汇总有 {len(differences)} 处与重新计数不一致。比较了{compared}")
    click.echo(f"一致：比较了{compared}")


def _compared() -> str:
    """What the proof goes through, in numbers: who reads “一致” wants to know of how much."""
    registered = _number(Contract, Contract.registration_number.is_not(None))
    kept = _number(sums.FacetTotal)
    of_sums = f"{kept:,} 个汇总" if kept else "还没有汇总（条数少，直接从台账相加）"
    return f"登记过的合同 {registered:,} 份、台账 {_number(LedgerEntry):,} 条、{of_sums}。"


def _number(model: Any, *which: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*which)) or 0


@totals.command()
def fold() -> None:
    """Fold what was counted since the last time into the summaries. Never needed for a figure, only for its speed."""
    with _watched("正在汇总台账") as told:
        folded = sums.fold(told)
    click.echo(f"已汇总 {folded} 条")


@contextmanager
def _watched(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and what moves it."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


@click.command()
@click.option(
    "--contracts",
    type=click.IntRange(min=loading.FEWEST),
    default=loading.DEFAULT_CONTRACTS,
    show_default=True,
    help="How many contracts, all states together.",
)
@click.option("--seed", type=int, default=loading.DEFAULT_SEED, show_default=True, help="Same seed, same data.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day on which all stands as it does; else today.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def demo(contracts: int, seed: int, as_of: datetime | None, form: str) -> None:
    """Fill a new database with generated contracts, people and firms. Refuses where an office works already."""
    make_ready()
    if loading.is_loaded():
        console.print("演示数据已经载入，没有改动。")
        if form == "json":
            click.echo(json.dumps({"loaded": False}))
        return
    report = _load_demonstration(contracts, seed, as_of)
    if form == "json":
        click.echo(json.dumps({"loaded": True, **report.plain()}, ensure_ascii=False, indent=2))
        return
    states = "，".join(f"{state.label} {report.by_state[state]}" for state in State)
    click.echo(f"演示数据已载入（截至 {report.as_of}）：合同 {report.contracts} 份（{states}），")
    click.echo(f"企业与单位 {report.enterprises} 家，技术经纪人 {report.brokers} 人，用户 {report.users} 人。")
    click.echo(f"登录名和密码：{report.accounts}")


def _load_demonstration(contracts: int, seed: int, as_of: datetime | None = None) -> loading.Report:
    columns = (TextColumn("正在生成演示数据"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    day = as_of.date() if as_of else None
    report = None
    try:
        with bar, unit_of_work():
            task = bar.add_task("", total=contracts)
            report = loading.load(contracts, seed, day, lambda done, whole: bar.update(task, completed=done))
    except loading.RealOffice as refusal:
        _fail(str(refusal))
    except BaseException:
        if report:
            loading.forget_accounts(report)
        raise
    if sums.waiting() > sums.FOLDED_FROM:
        with _watched("正在汇总台账") as told:
            sums.fold(told)
    if report.kept_aside:
        console.print(f"原有的登录名文件改名保留：{report.kept_aside}", markup=False)
    return report


@click.command()
@click.option("--demo/--no-demo", default=True, show_default=True, help="Load demonstration data into a new database.")
def start(demo: bool) -> None:
    """Make ready what is not, then serve: what ``make run`` calls."""
    settings: Settings = current_app.config["SETTINGS"]
    make_ready()
    if demo and loading.is_new():
        report = _load_demonstration(loading.DEFAULT_CONTRACTS, loading.DEFAULT_SEED)
        console.print(f"演示数据已载入：{report.contracts} 份合同，都是虚构的。")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    is_demonstration = loading.is_loaded()
    db.session.remove()
    listening = _listen(settings)
    console.print(f"技术合同认定登记与跟踪系统：http://{settings.host}:{settings.port}")
    if is_demonstration:
        console.print(f"演示用的登录名和密码：{settings.instance / loading.ACCOUNTS}", markup=False)
    logs.configure(settings)
    serving.serve(app, listening, threads=settings.threads, drain=settings.drain, within=settings.stop_within)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError:
        _fail(f"{settings.host} 的端口 {settings.port} 用不了，多半已被别的程序占用：换一个，例如 PORT=8001 make run。")


@click.group(name="migrations")
def check_migrations() -> None:
    """Compare and write migrations, for developers; go back to an earlier one, for going back to an earlier release."""


@check_migrations.command()
def check() -> None:
    """Fail when the models and the migrated database differ."""
    if found := migrations.differences(db.engine):
        for difference in found:
            console.print(str(difference), markup=False)
        _fail("模型和数据库不一致：补一个迁移。")
    click.echo("一致")


@check_migrations.command(name="to")
@click.argument("revision")
def go_back(revision: str) -> None:
    """Take the database back to this migration, for going back to the release that knows no newer one."""
    if revision not in migrations.known():
        _fail(f"没有编号为 {revision} 的迁移，认得的是：{'、'.join(migrations.known())}。")
    migrations.downgrade(db.engine, revision)
    click.echo(revision)


@check_migrations.command()
@click.argument("message")
def new(message: str) -> None:
    """Write a migration from what the models say and the database does not."""
    migrations.new_revision(db.engine, message)


def _fail(sentence: str) -> NoReturn:
    console.print(sentence, markup=False)
    raise SystemExit(1)
