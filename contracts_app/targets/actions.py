"""Setting yearly tasks. A revision is a new version; what was in force before stays in the record."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from contracts_app.accounts.models import User
from contracts_app.core import audit
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, Stale
from contracts_app.regions.models import Unit

from .models import Target, TargetKind
from .queries import targets_for

AMOUNT = "total_amount"
SENTENCES["uq_targets_year_region_code_measure_code_kind_version"] = (
    "别人刚保存了同一年度的任务。没有覆盖任何人的修改：重新打开看过最新内容，再办理。"
)


def versions_seen(in_force: Mapping[str, Target]) -> str:
    """Which versions somebody has before them, as a form carries it."""
    return ",".join(f"{code}:{target.version}" for code, target in sorted(in_force.items()))


def set_tasks(
    year: int,
    units: Sequence[Unit],
    tasks: Mapping[str, Decimal],
    *,
    document: str,
    issued_on: date,
    note: str,
    seen: str,
    person: User,
) -> int:
    """Set the tasks (元) of a year where they differ from those in force; returns how many units got a new version.

    Raises ``Stale`` when somebody else has set tasks since the person saw the versions ``seen``.
    """
    in_force = targets_for(year, AMOUNT, [unit.code for unit in units])
    if seen != versions_seen(in_force):
        raise Stale
    changed = [
        _next_version(year, unit.code, tasks[unit.code], in_force.get(unit.code))
        for unit in units
        if unit.code in tasks and (unit.code not in in_force or in_force[unit.code].value != tasks[unit.code])
    ]
    for target in changed:
        target.document, target.issued_on, target.note, target.source = document, issued_on, note, document
    db.session.add_all(changed)
    if changed:
        values = {target.region_code: f"{target.value:.2f}" for target in changed}
        audit.record("set_tasks", person, subject="target", year=year, document=document, tasks=values)
    db.session.flush()
    return len(changed)


def _next_version(year: int, unit_code: str, value: Decimal, before: Target | None) -> Target:
    return Target(
        year=year,
        region_code=unit_code,
        measure_code=AMOUNT,
        kind=TargetKind.TASK,
        version=before.version + 1 if before else 1,
        value=value,
    )
