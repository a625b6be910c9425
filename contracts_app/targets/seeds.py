"""The files of targets, indicators and published figures."""

from contracts_app.codes.models import Document, Measure
from contracts_app.core.database.seeds import SeedFile, Values, code_of, day, number, text, whole, word, yes_no
from contracts_app.regions.models import Region

from .models import (
    Comparison,
    Direction,
    Indicator,
    IndicatorValue,
    Nature,
    PublishedFigure,
    Span,
    Target,
    TargetKind,
)


def _change_is_the_difference(values: Values) -> str | None:
    change, difference = values["change"], values["target_value"] - values["base_value"]
    if change is None or change == difference:
        return None
    return f"change “{change}”：目标减基期应为 {difference}"


def _missing_value_is_explained(values: Values) -> str | None:
    return "value 是空的：在 doubt 中写明缺失的原因" if values["value"] is None and not values["doubt"] else None


def _key_begins_with_section(values: Values) -> str | None:
    fits = values["key"].startswith(values["section"] + "-")
    return None if fits else f"key “{values['key']}”：以 {values['section']}- 开头"


FILES = (
    SeedFile(
        "indicators.csv",
        Indicator,
        {
            "number": whole(),
            "key": text(20),
            "name": text(120),
            "unit": text(20),
            "base_year": whole(),
            "base_value": number(),
            "base_wording": text(40),
            "comparison": word(Comparison),
            "target_year": whole(),
            "target_value": number(),
            "target_wording": text(40),
            "change": number(optional=True),
            "change_wording": text(40, optional=True),
            "region_code": code_of(Region),
            "measure_code": code_of(Measure, optional=True),
            "caliber": text(120, optional=True),
            "doubt": text(optional=True),
            "topic": text(40, optional=True),
            "nature": word(Nature),
            "nature_note": text(),
            "direction": word(Direction),
            "counted_by": text(40, optional=True),
            "source": code_of(Document),
        },
        key=("number",),
        checks=(_change_is_the_difference,),
    ),
    SeedFile(
        "published_figures.csv",
        PublishedFigure,
        {
            "key": text(60),
            "section": text(1),
            "name": text(120),
            "wording": text(60, optional=True),
            "value": number(optional=True),
            "comparison": word(Comparison),
            "unit": text(20, optional=True),
            "period": text(40),
            "span": word(Span),
            "first_year": whole(optional=True),
            "year": whole(),
            "period_end": day(optional=True),
            "region_code": code_of(Region),
            "place": text(60, optional=True),
            "caliber": text(120, optional=True),
            "topic": text(40, optional=True),
            "measure_code": code_of(Measure, optional=True),
            "source": code_of(Document),
            "inferred": yes_no(),
            "doubt": text(optional=True),
        },
        key=("key",),
        checks=(_missing_value_is_explained, _key_begins_with_section),
    ),
    SeedFile(
        "indicator_values.csv",
        IndicatorValue,
        {
            "indicator": code_of(Indicator, attribute="indicator_number", read=int),
            "year": whole(),
            "value": number(),
            "figure_key": code_of(PublishedFigure, optional=True),
            "source": code_of(Document),
            "note": text(optional=True),
        },
        key=("indicator_number", "year"),
    ),
    SeedFile(
        "targets.csv",
        Target,
        {
            "region_code": code_of(Region),
            "year": whole(),
            "measure_code": code_of(Measure),
            "kind": word(TargetKind),
            "version": whole(),
            "since_year": whole(optional=True),
            "comparison": word(Comparison),
            "value": number(),
            "document": text(120),
            "issued_on": day(optional=True),
            "source": text(200),
            "note": text(optional=True),
        },
        key=("year", "region_code", "measure_code", "kind", "version"),
    ),
)
