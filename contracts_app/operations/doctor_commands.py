"""``doctor``: whether the installation is well."""

import json
from collections.abc import Sequence

import click

from contracts_app.core.db import db, only_reading

from . import doctor_machine, doctor_office
from .doctor import Check, Examined, Level, examine, worst

CHECKS: tuple[Check, ...] = (*doctor_machine.CHECKS, *doctor_office.CHECKS)
_SIGNS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.FAIL: ("✗", "red")}


@click.command()
@click.option("--deep", is_flag=True, help="Also what goes through everything: the whole log, all totals, every file.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(deep: bool, form: str) -> None:
    """Look at the installation and say what to do; fails when something is not as it must be. Changes nothing."""
    with only_reading():
        checks = (check for check in CHECKS if deep or not check.is_deep)
        examined = examine(checks, tidy=db.session.remove)  # a transaction that failed answers nothing more
    level = worst(examined)
    if form == "json":
        told = {"level": level.value, "checks": [one.plain() for one in examined]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(examined)
    raise SystemExit(1 if level is Level.FAIL else 0)


def _tell(examined: Sequence[Examined]) -> None:
    for one in examined:
        sign, colour = _SIGNS[one.finding.level]
        click.echo(f"{click.style(sign, fg=colour)} {one.check.label}：{one.finding.sentence}")
    number = {level: sum(one.finding.level is level for one in examined) for level in Level}
    click.echo("，".join(f"{level.label} {number[level]} 项" for level in Level), err=True)
