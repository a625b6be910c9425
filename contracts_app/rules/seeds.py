"""The files of the rule sets, time limits, settings and the holiday schedule."""

from decimal import Decimal, InvalidOperation

from contracts_app.core.seeds import SeedFile, Values, code_of, day, number, text, whole, word, yes_no

from .models import AmountBasis, CalendarDay, CalendarDayKind, DayKind, RuleSet, Setting, Stage, TimeLimit


def _setting_is_a_number(values: Values) -> str | None:
    try:
        Decimal(values["value"])
    except InvalidOperation:
        return f"value “{values['value']}”：写成数字，不带单位和千分位"
    return None


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
        },
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
        checks=(_setting_is_a_number,),
    ),
    SeedFile(
        "calendar_days.csv",
        CalendarDay,
        {"day": day(), "kind": word(CalendarDayKind), "name": text(40), "source": text(200)},
        key=("day",),
    ),
)
