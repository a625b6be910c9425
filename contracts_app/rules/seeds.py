"""The files of the rule sets, their rules, time limits, settings and the holiday schedule."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from string import Formatter
from typing import Any

from contracts_app.core.database.seeds import (
    Column,
    SeedFile,
    Unreadable,
    Values,
    code_of,
    day,
    mapping,
    number,
    text,
    whole,
    word,
    yes_no,
)

from .models import (
    AmountBasis,
    CalendarDay,
    CalendarDayKind,
    DayKind,
    Level,
    Rule,
    RuleSet,
    Section,
    Setting,
    Stage,
    Status,
    TimeLimit,
)
from .predicates import PREDICATES

RULE_FILES = ("2001", "2026")  # a rule set each


def _setting_is_a_number_or_basis(values: Values) -> str | None:
    if values["key"].endswith("_basis"):
        words = [basis.value for basis in AmountBasis]
        return None if values["value"] in words else f"value “{values['value']}”：写成 {' 或 '.join(words)}"
    try:
        Decimal(values["value"])
    except InvalidOperation:
        return f"value “{values['value']}”：写成数字，不带单位和千分位"
    return None


def _reason(written: str) -> str:
    """The code of a ground for refusal; the database knows which there are."""
    if len(written) != 3 or written[0] != "R" or not written[1:].isdecimal():
        raise Unreadable("写成 R01 这样的不予登记理由代码")
    return written


def _number_the_rule(values: Values, before: Mapping[tuple[Any, ...], Values]) -> None:
    values["position"] = len(before) + 1
    values["parameters"] = values["parameters"] or {}


def _predicate_is_known(values: Values) -> str | None:
    name, parameters = values["predicate"], values["parameters"]
    predicate = PREDICATES.get(name)
    if predicate is None:
        return f"predicate “{name}”：没有这个判断，写成以下之一：{'、'.join(sorted(PREDICATES))}"
    if not isinstance(parameters, dict):
        return "parameters：写成“名称: 值”的形式"
    if unknown := parameters.keys() - predicate.parameters.keys():
        return f"parameters：“{name}”没有参数 {'、'.join(sorted(unknown))}"
    if missing := {one for one, needed in predicate.parameters.items() if needed} - parameters.keys():
        return f"parameters：“{name}”缺少参数 {'、'.join(sorted(missing))}"
    return None


def _placeholders_are_filled(values: Values) -> str | None:
    predicate = PREDICATES.get(values["predicate"])
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(values["sentence"]) if name is not None}
    except ValueError:
        return "sentence：花括号没有配对"
    unknown = wanted - predicate.fills if predicate else set()
    return f"sentence：“{values['predicate']}”不提供 {'、'.join(sorted(unknown))}" if unknown else None


def _heuristic_only_warns(values: Values) -> str | None:
    predicate = PREDICATES.get(values["predicate"])
    if predicate and predicate.is_heuristic and values["severity"] is Level.ERROR:
        return f"severity “error”：“{values['predicate']}”靠文字或比较推测，只能写 warning 或 info"
    return None


def _rules(code: str) -> SeedFile:
    """The file of one rule set; a rule that stands in it no longer is gone."""
    return SeedFile(
        f"rules/{code}.yaml",
        Rule,
        {
            "rule_set_code": code_of(RuleSet),
            "code": text(10),
            "section": word(Section),
            "field": text(40),
            "severity": word(Level),
            "sentence": text(),
            "remedy": text(),
            "predicate": text(60),
            "parameters": mapping(),
            "document": text(120),
            "article": text(40, optional=True),
            "is_to_verify": yes_no(),
            "reason_code": Column(_reason, is_required=False),
            "source": text(200),
        },
        key=("rule_set_code", "code"),
        complete=_number_the_rule,
        checks=(_predicate_is_known, _placeholders_are_filled, _heuristic_only_warns),
        whole=("rule_set_code",),
    )


FILES = (
    SeedFile(
        "rule_sets.csv",
        RuleSet,
        {
            "code": text(20),
            "name": text(120),
            "document_number": text(120, optional=True),
            "issued_on": day(optional=True),
            "valid_from": day(optional=True),
            "valid_to": day(optional=True),
            "large_amount": number(places=2, optional=True),
            "large_amount_basis": word(AmountBasis, optional=True),
            "is_to_verify": yes_no(),
            "source": text(200),
            "note": text(optional=True),
            "status": word(Status),
        },
        once=("status", "valid_from", "valid_to"),
    ),
    SeedFile(
        "time_limits.csv",
        TimeLimit,
        {
            "code": text(40),
            "rule_set_code": code_of(RuleSet),
            "stage": word(Stage),
            "name": text(60),
            "days": whole(),
            "day_kind": word(DayKind),
            "is_to_verify": yes_no(),
            "source": text(200),
            "note": text(optional=True),
        },
    ),
    SeedFile(
        "settings.csv",
        Setting,
        {
            "key": text(40),
            "name": text(60),
            "value": text(60),
            "unit": text(20),
            "source": text(200),
            "note": text(optional=True),
        },
        key=("key",),
        checks=(_setting_is_a_number_or_basis,),
        keeps=lambda setting: ("value",) if setting.changed_at else (),
    ),
    SeedFile(
        "calendar_days.csv",
        CalendarDay,
        {"day": day(), "kind": word(CalendarDayKind), "name": text(40), "source": text(200)},
        key=("day",),
    ),
    *(_rules(code) for code in RULE_FILES),
)
