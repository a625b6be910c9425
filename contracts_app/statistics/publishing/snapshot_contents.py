"""What a snapshot freezes: the figures of a region and period, with everything that says how they came about.

The content is plain data, written as canonical JSON: keys in order, no spaces, amounts in 元 with two decimals as text.
The same figures give the same text, and so the same hash, wherever they are counted.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select

from contracts_app.accounts.models import Onlooker
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Figures, LedgerEntry
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.db import db
from contracts_app.core.edition import VERSION
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import units_under
from contracts_app.rules.models import RuleSet
from contracts_app.rules.queries import names_of_rules, rule_sets_within
from contracts_app.statistics.measures import PLAIN
from contracts_app.statistics.periods import Period
from contracts_app.targets.models import Target
from contracts_app.targets.queries import targets_for

FORMAT = 1
TASK = "total_amount"  # the measure that yearly tasks are held against
GROUPS = ("units", "types", "months")
DIGEST = "按登记日期计入；签订日期不影响。先按分合计，最后才换算和取两位小数。"
COMPLETION = (
    "完成率 = 年初至期末的成交额（登记口径）÷ 期末有效的年度任务，不封顶。"
    "合计用本地区自己的任务；没有的用下达了任务的单元之和，没有任务的单元不计。"
)

Content = dict[str, Any]
Table = dict[str, Figures]


@dataclass(frozen=True)
class Tables:
    """One caliber's figures: all of them, and by unit, root type and month. A key without figures is absent."""

    whole: Figures
    units: Table
    types: Table
    months: Table

    def of(self, group: str) -> Table:
        """The figures of one of ``GROUPS``."""
        return {"units": self.units, "types": self.types, "months": self.months}[group]


# --- counting ---------------------------------------------------------------------------------------------------------


def figures_of(region: Region, period: Period, on: date) -> Content:
    """Everything that is frozen but for what the figures are published as: counted now, up to the day ``on``."""
    units = units_under(region)
    until = period.until(on)
    return {
        "format": FORMAT,
        "region": {"code": region.code, "name": region.name},
        "period": {"key": period.key, "name": period.name, "first": str(period.first), "last": str(period.last)},
        "until": str(until),
        "last_entry": db.session.scalar(select(func.max(LedgerEntry.id))) or 0,
        "figures": {caliber.value: plain(counted(region, period, on, caliber)) for caliber in Caliber},
        "names": {
            "units": [[unit.code, unit.name] for unit in units],
            "types": [list(pair) for pair in DIMENSIONS["type"].names().items()],
            "months": [[key, DIMENSIONS["month"].name_of(key)] for key in months_of(period, until)],
        },
        "tasks": tasks_of(units, region, period, on),
        "definitions": {
            "calibers": {one.value: {"label": one.label, "words": one.definition} for one in Caliber},
            "measures": {one.code: {"label": one.label, "unit": one.unit, "words": one.definition} for one in PLAIN},
            "days": DIGEST,
            "completion": COMPLETION,
        },
        "rule_sets": [_rule_set(one) for one in rule_sets_within(period.first, until)],
        "software": VERSION,
    }


def counted(region: Region, period: Period, on: date, caliber: Caliber) -> Tables:
    """The period's figures as the ledger has them now."""
    first, last = period.days(on)
    query = ContractQuery(year=period.year, caliber=caliber, date_from=first, date_to=last)
    reader, by = Onlooker(region), [DIMENSIONS[name] for name in ("unit", "type", "month")]
    cells: dict[tuple[str, ...], Figures] = {}
    for asked in dict.fromkeys(measure.asked(query) for measure in PLAIN):
        for keys, sums in totals(asked, reader, by).items():
            cells[keys] = cells.get(keys, Figures()) + sums.figures
    return tables_of(cells.items())


def tables_of(cells: Iterable[tuple[Sequence[str], Figures]]) -> Tables:
    """The tables that cells of unit, type and month add up to; what comes to nothing is left out."""
    whole, groups = Figures(), [defaultdict[str, Figures](Figures) for _ in GROUPS]
    for keys, figures in cells:
        whole += figures
        for table, key in zip(groups, keys, strict=True):
            table[key] += figures
    return Tables(whole, *({key: one for key, one in table.items() if one} for table in groups))


def months_of(period: Period, until: date) -> list[str]:
    """The keys of the months of a period that have begun by a day of it."""
    return [f"{period.year}-{month:02d}" for month in range(period.first_month, until.month + 1)]


def tasks_of(units: Sequence[Unit], region: Region, period: Period, on: date) -> Content:
    """The yearly tasks in force at the period's end, what was done of them since the year began, and the completion."""
    since = replace(period, first_month=1)
    until = period.until(on)
    in_force = targets_for(period.year, TASK, [region.code, *(unit.code for unit in units)], on=until)
    first, last = since.days(on)
    query = ContractQuery(year=period.year, date_from=first, date_to=last)
    done = {key: sums.total_amount for (key,), sums in totals(query, Onlooker(region), [DIMENSIONS["unit"]]).items()}
    all_done = sum(done.values(), Decimal(0))
    lines = {
        unit.code: _task(in_force[unit.code], done.get(unit.code, Decimal(0)))
        for unit in units
        if unit.code in in_force
    }
    whole = _task(in_force[region.code], all_done) if region.code in in_force else _together(lines.values())
    return {"since": str(since.first), "done": f"{all_done:.2f}", "units": lines, "whole": whole}


def _task(target: Target, done: Decimal) -> Content:
    return {
        "value": f"{target.value:.2f}",
        "document": target.document,
        "version": target.version,
        "issued_on": str(target.issued_on) if target.issued_on else None,
        "done": f"{done:.2f}",
        "completion": completion_of(done, target.value),
    }


def completion_of(done: Decimal, task: Decimal) -> str:
    """A share with four decimals, half up."""
    return str((done / task).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def share_of_task(task: Mapping[str, Any]) -> Fraction:
    """The same exactly, from what a content holds of a task: for whatever rounds it to fewer decimals."""
    return Fraction(task["done"]) / Fraction(task["value"])


def _together(lines: Iterable[Mapping[str, Any]]) -> Content | None:
    """All units with a task together; None where there is none."""
    lines = list(lines)
    if not lines:
        return None
    task, done = (sum((Decimal(line[name]) for line in lines), Decimal(0)) for name in ("value", "done"))
    return {"value": f"{task:.2f}", "done": f"{done:.2f}", "completion": completion_of(done, task)}


def task_lines(content: Content) -> list[tuple[str, Content]]:
    """The tasks of a content by the names of their units, all of them together last where there are several."""
    tasks = content["tasks"]
    lines = [(name, tasks["units"][code]) for code, name in content["names"]["units"] if code in tasks["units"]]
    is_one = [code for code, _ in content["names"]["units"]] == [content["region"]["code"]]
    return lines + ([("合计", tasks["whole"])] if tasks["whole"] and not is_one else [])


def seen_of(content: Content) -> str:
    """What tells whether somebody has the same figures before them; entries of other places make no difference."""
    return hash_of(canonical({name: value for name, value in content.items() if name != "last_entry"}))


def rules_of(content: Content) -> str:
    """The rules in force within the period, in the words of every page."""
    return names_of_rules(
        (one["name"], date.fromisoformat(one["valid_from"]) if one["valid_from"] else None)
        for one in content["rule_sets"]
    )


def _rule_set(one: RuleSet) -> Content:
    since = str(one.valid_from) if one.valid_from else None
    return {"code": one.code, "name": one.name, "number": one.document_number, "valid_from": since}


# --- as text ----------------------------------------------------------------------------------------------------------


def plain(tables: Tables) -> Content:
    """Tables as JSON holds them."""
    groups = {name: {key: _plain(one) for key, one in tables.of(name).items()} for name in GROUPS}
    return {"whole": _plain(tables.whole), **groups}


def _plain(figures: Figures) -> Content:
    return {name: int(value) if name == "contracts" else f"{value:.2f}" for name, value in vars(figures).items()}


def read(tables: Mapping[str, Any]) -> Tables:
    """The tables that ``plain`` wrote."""
    return Tables(_read(tables["whole"]), *({key: _read(one) for key, one in tables[name].items()} for name in GROUPS))


def _read(figures: Mapping[str, Any]) -> Figures:
    return Figures(*(_AS[name](figures[name]) for name in vars(Figures())))


_AS: Mapping[str, Callable[[Any], Any]] = defaultdict(lambda: Decimal, contracts=int)


def canonical(content: Content) -> str:
    """The one text of a content."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(text: str) -> str:
    """SHA-256 over the text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
