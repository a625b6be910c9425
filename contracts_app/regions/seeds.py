"""The files of the region tree and the assessment units."""

from collections.abc import Mapping

from contracts_app.core.database.seeds import Key, SeedFile, Values, code_of, text, whole, word

from .models import Level, Region, Unit, UnitKind


def _add_path(values: Values, above: Mapping[Key, Values]) -> None:
    parent = values["parent_code"]
    values["path"] = (above[(parent,)]["path"] if parent else "") + values["code"] + "/"


def _prefix_is_two_capitals(values: Values) -> str | None:
    prefix = values["number_prefix"]
    fits = len(prefix) == 2 and prefix.isascii() and prefix.isalpha() and prefix.isupper()
    return None if fits else f"number_prefix “{prefix}”：写成两个大写字母"


FILES = (
    SeedFile(
        "regions.csv",
        Region,
        {
            "code": text(12),
            "name": text(60),
            "short_name": text(30),
            "level": word(Level),
            "parent_code": code_of(Region, optional=True),
            "pinyin": text(60),
            "initials": text(20),
            "source": text(200),
            "note": text(optional=True),
        },
        complete=_add_path,
    ),
    SeedFile(
        "units.csv",
        Unit,
        {
            "code": text(12),
            "name": text(60),
            "kind": word(UnitKind),
            "region_code": code_of(Region),
            "office_name": text(60),
            "number_prefix": text(2),
            "position": whole(),
            "source": text(200),
            "note": text(optional=True),
        },
        checks=(_prefix_is_two_capitals,),
    ),
)
