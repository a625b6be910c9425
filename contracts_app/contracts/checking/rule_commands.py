"""Rule sets from the command line: list, show, compare, try."""

import json
from dataclasses import asdict
from typing import Any

import click

from contracts_app.accounts.models import User
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.regions.models import Region
from contracts_app.rules import queries
from contracts_app.rules.models import RuleSet

from . import trial

FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group()
def rules() -> None:
    """Read the rule sets, compare them, and try one on contracts that are registered already."""


def _set(code: str) -> RuleSet:
    found = queries.known(code)
    if found is None:
        raise click.BadParameter(f"没有规则集 {code}，用 rules list 看有哪些。")
    return found


def _print(form: str, plain: Any, lines: list[str]) -> None:
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2) if form == "json" else "\n".join(lines))


@rules.command(name="list")
@FORMAT
def list_sets(form: str) -> None:
    """Print every rule set: code, status, days, number of rules."""
    sets = [
        {
            "code": one.code,
            "name": one.name,
            "status": one.status.value,
            "valid_from": one.valid_from.isoformat() if one.valid_from else None,
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
            "rules": len(queries.rules_of(one.code)),
        }
        for one in queries.rule_sets()
    ]
    lines = [
        f"{one['code']}  {one['status']}  {one['valid_from'] or ''}—{one['valid_to'] or ''}  {one['rules']} 条  "
        f"{one['name']}"
        for one in sets
    ]
    _print(form, sets, lines)


@rules.command()
@click.argument("code")
@FORMAT
def show(code: str, form: str) -> None:
    """Print all rules of a set in the order of the form."""
    found = queries.rules_of(_set(code).code)
    lines = [f"{one.code}  {one.severity.label}  {one.outline}  [{one.citation}]" for one in found]
    _print(form, [asdict(one) for one in found], lines)


@rules.command()
@click.argument("code")
@click.argument("other")
@FORMAT
def compare(code: str, other: str, form: str) -> None:
    """Print what the second set has more (+), less (-) and otherwise (~) than the first."""
    found = queries.compared(_set(code), _set(other))
    plain = {
        "added": [one.code for one in found.added],
        "removed": [one.code for one in found.removed],
        "changed": {here.code: lines for here, _, lines in found.changed},
        "same": found.same,
    }
    lines = [f"+ {one.code}  {one.outline}" for one in found.added]
    lines += [f"- {one.code}  {one.outline}" for one in found.removed]
    lines += [
        f"~ {here.code}  {what}：{before} → {after}"
        for here, _, parts in found.changed
        for what, before, after in parts
    ]
    _print(form, plain, [*lines, f"相同 {found.same} 条"])


@rules.command(name="try")
@click.argument("code")
@click.option("--year", type=click.IntRange(1985, 2100), help="Year of registration; last year if none is said.")
@click.option("--region", default="350500", show_default=True, help="Code of the region whose contracts are tried.")
@FORMAT
def try_set(code: str, year: int | None, region: str, form: str) -> None:
    """Print how many registered contracts would get which findings that their own set does not have."""
    place = db.session.get(Region, region)
    if place is None:
        raise click.BadParameter(f"没有地区 {region}。")
    with db.session.no_autoflush:
        found = trial.try_on(_set(code), year or today().year - 1, User(region=place, region_code=region))
    counts = {line.rule.code: line.contracts for line in found.lines}
    plain = {"rule_set": code, "year": found.year, "looked_at": found.looked_at, "concerned": found.concerned}
    lines = [f"{line.rule.code}  {line.contracts} 份  {line.rule.outline}" for line in found.lines]
    head = f"{found.year} 年登记 {found.looked_at} 份，有新结果的 {found.concerned} 份"
    _print(form, plain | {"is_cut": found.is_cut, "findings": counts}, [head, *lines])
