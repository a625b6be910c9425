"""Yearly tasks from the command line: list them, and try or do the import of a workbook."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import click

from contracts_app.accounts.models import User
from contracts_app.accounts.queries import by_username
from contracts_app.core.clock import today
from contracts_app.core.db import unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.sheets import printed
from contracts_app.regions.models import Region
from contracts_app.regions.queries import region

from . import importing, queries, values
from .cascade import Verdict, places_under
from .importing import Checked, Outcome
from .models import Target, TargetKind

CITY = "350500"
KINDS = {kind.value: kind for kind in TargetKind}


@click.group()
def targets() -> None:
    """List targets by place and measure, and import a table of yearly tasks."""


@targets.command(name="list")
@click.option("--year", type=click.IntRange(2000, 2100), help="This year if none is said.")
@click.option("--measure", help="Code of the measure, such as total_amount; all that may have a task if none is said.")
@click.option("--kind", type=click.Choice(list(KINDS)), default="task", show_default=True)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As in force at the end of that day.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def list_targets(year: int | None, measure: str | None, kind: str, on: Any, form: str) -> None:
    """Print the targets in force: the yearly tasks, or the plan's targets, never both. Amounts in 元."""
    known = {one.code: one for one in queries.measures_of(KINDS[kind])}
    if measure is not None and measure not in known:
        raise click.BadParameter(f"没有任务指标 {measure}：{'、'.join(known)}。")
    places = places_under(_city())
    lines = []
    for one in [known[measure]] if measure else known.values():
        day = on.date() if on else None
        found = queries.targets_for(year or today().year, one.code, list(places.by_code), KINDS[kind], on=day)
        lines += [_plain(place, found[place.code]) for place in places.all if place.code in found]
    if form == "table":
        click.echo(_as_table(lines, {code: one.name for code, one in known.items()}))
    else:
        click.echo({"json": _as_json, "csv": _as_csv}[form](lines))


@targets.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--by", "username", help="Username of the administrator who imports; needed to save.")
@click.option("--accept-less", is_flag=True, help="Also where parts add up to less than the whole.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def import_tasks(file: Path, dry_run: bool, username: str | None, accept_less: bool, form: str) -> None:
    """Import a filled-in template, all of it or nothing. Exit status 1 when anything is wrong with it."""
    person = _person(username)
    if person is None and not dry_run:
        _fail("写明 --by 用户名：任务由谁下达要记下来。只想核对就加 --dry-run。")
    try:
        with unit_of_work():
            with file.open("rb") as stream:
                checked = importing.check(stream, file.name, person.region if person else _city(), person=person)
            saved = 0
            if checked.is_fine and not dry_run and person:
                saved = importing.save(checked, person, accepts_less=accept_less)
    except (FileRefused, Refused) as refusal:
        _fail(" ".join(getattr(refusal, "reasons", ())) or str(refusal))
    click.echo(_report_json(checked, saved) if form == "json" else _report(checked, saved, dry_run=dry_run))
    if not checked.is_fine:
        raise SystemExit(1)


def _city() -> Region:
    city = region(CITY)
    return city if city else _fail("参考数据还没有载入，先运行 flask --app wsgi init。")


def _person(username: str | None) -> User | None:
    if username is None:
        return None
    person = by_username(username)
    if person is None or not person.is_active:
        _fail(f"没有用户名为 {username} 的在用账号。用 users list 查看。")
    return person


def _plain(place: Region, target: Target) -> dict[str, Any]:
    return {
        "year": target.year,
        "region_code": place.code,
        "region": place.name,
        "measure": target.measure_code,
        "kind": target.kind.value,
        "comparison": target.comparison.value,
        "value": f"{target.value.normalize():f}",
        "unit": target.measure.unit,
        "version": target.version,
        "document": target.document,
        "issued_on": target.issued_on.isoformat() if target.issued_on else None,
        "is_demo": target.is_demo,
    }


def _as_json(lines: list[dict[str, Any]]) -> str:
    return json.dumps(lines, ensure_ascii=False, indent=2)


def _as_csv(lines: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    if lines:
        writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return text.getvalue().rstrip("\n")


def _as_table(lines: list[dict[str, Any]], names: dict[str, str]) -> str:
    rows = [
        [
            *(line["region"], names[line["measure"]], line["document"], line["issued_on"] or "", line["unit"]),
            f"{line['comparison'] if line['comparison'] != '=' else ''}{Decimal(line['value']):,f}",
            str(line["version"]),
        ]
        for line in lines
    ]
    return printed.table(("地区", "指标", "文号", "印发日期", "单位", "数值", "版本"), rows, texts=5)


def _report(checked: Checked, saved: int, *, dry_run: bool) -> str:
    lines = [f"{cell}  有错  {sentence}" for cell, sentence in checked.head_faults]
    lines += [
        f"{line.cell}  {line.outcome.label}  {line.place}  {line.measure}  "
        + (line.fault or (f"{line.before or '—'} → {line.after}" if line.outcome is not Outcome.SAME else line.before))
        for line in checked.lines
    ]
    for verdict in (Verdict.MORE, Verdict.LESS):
        lines += checked.plan.said_of(verdict) if checked.plan else []
    end = f"要改 {len(checked.filled.faults)} 处，什么都没有保存。" if not checked.is_fine else ""
    end = end or (f"会保存 {checked.changes} 项，现在没有保存。" if dry_run else f"已保存 {saved} 项。")
    return "\n".join([*lines, end])


def _report_json(checked: Checked, saved: int) -> str:
    plain = {
        "year": checked.filled.year,
        "is_fine": checked.is_fine,
        "saved": saved,
        "faults": checked.filled.faults,
        "lines": [
            {**{name: getattr(line, name) for name in ("cell", "place", "measure", "before", "after", "fault")}}
            | {"outcome": line.outcome.value}
            for line in checked.lines
        ],
        "divisions": [
            {
                "region_code": one.place.code,
                "measure": one.measure.code,
                "verdict": one.division.verdict.value,
                "said": values.said(abs(one.division.difference or Decimal(0)), one.measure),
            }
            for one in (checked.plan.divisions if checked.plan else ())
        ],
    }
    return json.dumps(plain, ensure_ascii=False, indent=2)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
