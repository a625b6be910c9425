"""Enterprises, universities and institutes that do not exist."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, NamedTuple

from contracts_app.core.codes import organisation_code_with_check, uscc_with_check
from contracts_app.core.text import initials, name_key, pinyin
from contracts_app.enterprises.models import Scale
from contracts_app.regions.queries import ABROAD

from .words import Trade, Words

_ABROAD = ("新加坡", "日本", "德国", "意大利")
_ATTRIBUTES = (("high_tech", 0.22), ("small_science", 0.3), ("specialised", 0.1), ("science_giant", 0.08))
_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_OUTSIDE = (
    ("350200", "厦门", 5),
    ("350100", "福州", 5),
    ("350600", "漳州", 2),
    ("440000", "广东", 4),
    ("330000", "浙江", 3),
    ("310000", "上海", 3),
    ("320000", "江苏", 3),
    ("370000", "山东", 1),
    ("110000", "北京", 2),
    ("420000", "湖北", 1),
    ("360000", "江西", 1),
    ("810000", "香港", 1),
)


class Party(NamedTuple):
    """As much of an enterprise as contracts and the search need."""

    id: int
    name: str
    code: str
    initials: str
    region_code: str
    town_code: str | None
    trade: Trade | None
    party_type_code: str


@dataclass
class Parties:
    """Who sells and who buys, by unit; the rows are kept apart until they are written."""

    sellers: dict[str, list[Party]] = field(default_factory=dict)
    buyers: dict[str, list[Party]] = field(default_factory=dict)
    agencies: dict[str, Party] = field(default_factory=dict)  # a transfer institution each, where brokers work
    outside: list[Party] = field(default_factory=list)
    abroad: list[Party] = field(default_factory=list)  # who sells technology to the region
    rows: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)  # what enterprises have been recognised as


class Founder:
    """Makes parties whose names stand nowhere else; their codes carry DEM0 where an office gives a number."""

    def __init__(
        self, rng: Random, words: Words, taken: set[str], first_id: int, at: datetime, towns: list[tuple[str, int]]
    ) -> None:
        self.rng, self.words, self.taken, self.at, self.towns = rng, words, taken, at, towns
        self.next_id = first_id
        # What the form asks beside: drawn apart, so that names, prices and days do not hang on how much it asks.
        self.details = Random(first_id)  # noqa: S311
        self.places: dict[str, str] = {code: place for code, place, _weight in _OUTSIDE} | {ABROAD: "境外"}
        self.made = Parties()

    def found(self, units: dict[str, str], contracts: dict[str, int]) -> Parties:
        """Parties enough for so many contracts in each unit; ``units`` gives the short name by code."""
        self.places |= units
        for code, short_name in units.items():
            sellers = max(9, min(1500, round(1.2 * contracts[code] ** 0.68)))
            self.made.agencies[code] = self._agency(code, short_name)
            self.made.sellers[code] = [self._seller(code, short_name) for _ in range(sellers)]
            self.made.buyers[code] = [self._firm(code, short_name) for _ in range(sellers * 2)]
        for _ in range(max(60, min(3000, sum(contracts.values()) // 25))):
            code, place, _weight = self.rng.choices(_OUTSIDE, weights=[one[2] for one in _OUTSIDE])[0]
            self.made.outside.append(self._firm(code, place, trade=self.rng.choice(self.words.trades)))
        for country in _ABROAD:
            parts = self._unused(lambda part, country=country: (country, part, "技术有限公司"))
            self.made.abroad.append(
                self._keep(parts, ABROAD, None, country=country, postcode="", is_in_high_tech_zone=None, scale=None)
            )
        return self.made

    def _seller(self, unit_code: str, place: str) -> Party:
        chance = self.rng.random()
        if chance < 0.74:
            return self._firm(unit_code, place)
        trade = self._trade(unit_code)
        if chance < 0.9:
            endings = (f"{trade.name}产业技术研究院", f"{trade.name}研究所", "产业技术研究院")
            return self._institution(unit_code, place, "021", endings, trade)
        schools = ("理工学院", "职业技术学院", "工程学院", "应用技术学院")
        return self._institution(unit_code, "闽南", "022", schools, None)

    def _institution(
        self, unit_code: str, place: str, kind: str, endings: tuple[str, ...], trade: Trade | None
    ) -> Party:
        return self._keep(
            (self._unused(lambda part: (place, part, self.rng.choice(endings)))),
            unit_code,
            trade,
            party_type_code=kind,
            scale=None,
            is_research_institution=True,
        )

    def _agency(self, unit_code: str, place: str) -> Party:
        parts = self._unused(lambda part: (place, part, "技术转移有限公司"))
        return self._keep(parts, unit_code, None, is_transfer_institution=True, scale=Scale.SMALL)

    def _firm(self, unit_code: str, place: str, trade: Trade | None = None) -> Party:
        trade = trade or self._trade(unit_code)
        parts = self._unused(lambda part: self._firm_name(place, part, trade))
        joint_stock = parts[-1] == "股份有限公司"
        return self._keep(
            parts,
            unit_code,
            trade,
            party_type_code="160" if joint_stock else self.rng.choices(("150", "170", "230", "110"), (78, 14, 5, 3))[0],
            scale=Scale.LARGE if joint_stock else self.rng.choices(list(Scale), (5, 20, 50, 25))[0],
            is_listed=joint_stock and self.details.random() < 0.2,
            group_name=f"{parts[1]}{parts[2]}集团有限公司" if joint_stock else "",
        )

    def _firm_name(self, place: str, part: str, trade: Trade) -> tuple[str, ...]:
        kind, chance = self.rng.choice(trade.company_words), self.rng.random()
        if chance < 0.62:
            return place, part, kind, "有限公司"
        if chance < 0.8:
            return part, f"（{place}）", kind, "有限公司"
        if chance < 0.93:
            return "福建", part, kind, "有限公司"
        return "福建", part, kind, "股份有限公司"

    def _trade(self, unit_code: str) -> Trade:
        trades = self.words.trades
        return self.rng.choices(trades, [trade.weights.get(unit_code, 0) for trade in trades])[0]

    def _unused(self, compose: Any) -> tuple[str, ...]:
        while True:
            parts = compose("".join(self.rng.choice(signs) for signs in self.words.syllables))
            if (key := name_key("".join(parts))) not in self.taken:
                self.taken.add(key)
                return parts

    def _keep(self, parts: tuple[str, ...], region_code: str, trade: Trade | None, **facts: Any) -> Party:
        key, self.next_id = self.next_id, self.next_id + 1
        name = "".join(parts)
        institution = facts.get("party_type_code") in {"021", "022"}
        town = self.rng.choices(*zip(*self.towns, strict=True))[0] if region_code == "350582" and self.towns else None
        code = _credit_code(key, region_code, institution)
        words = self.words
        person = (
            self.rng.choice(words.surnames) + self.rng.choice(words.given_names) + self.rng.choice(words.given_names)
        )
        row: dict[str, Any] = {
            "id": key,
            "code": code,
            "name": name,
            "name_key": name_key(name),
            "pinyin": "".join(_pinyin(part) for part in parts),
            "initials": "".join(_initials(part) for part in parts),
            "party_type_code": "150",
            "region_code": region_code,
            "town_code": town,
            "country": "",
            "address": f"{self.places[region_code]}示范路 {self.details.randint(1, 999)} 号",
            "postcode": f"000{self.details.randrange(1000):03}",
            "representative": person,
            "contact": self._person(),
            "phone": f"0595-000{self.rng.randrange(10_000):04}",
            "scale": None,
            "is_transfer_institution": False,
            "is_research_institution": False,
            "is_converted_institute": False,
            "is_in_high_tech_zone": None if institution else self.details.random() < 0.12,
            "is_listed": None if institution else False,
            "group_name": "",
            "created_by_id": None,
            "created_at": self.at,
            "version": 1,
        }
        if not institution:
            self._recognise(key)
        self.made.rows.append(row | facts)
        kind = str(facts.get("party_type_code", row["party_type_code"]))
        return Party(key, name, code, row["initials"], region_code, town, trade, kind)

    def _person(self) -> str:
        given = [self.details.choice(self.words.given_names) for _ in range(2)]
        return self.details.choice(self.words.surnames) + "".join(given)

    def _recognise(self, key: int) -> None:
        for code, share in _ATTRIBUTES:
            if self.details.random() < share:
                self.made.attributes.append({"enterprise_id": key, "attribute_code": code})


def _credit_code(number: int, region_code: str, institution: bool) -> str:
    place = region_code if region_code.isdigit() else "350500"  # the zones are registered by the city
    signs = "".join(_digits(number))
    return uscc_with_check(("12" if institution else "91") + place + organisation_code_with_check(f"DEM0{signs}"))


def _digits(number: int) -> Iterator[str]:
    for power in (3, 2, 1, 0):
        yield _SIGNS[number // 31**power % 31]


@cache
def _pinyin(part: str) -> str:
    return pinyin(part)


@cache
def _initials(part: str) -> str:
    return initials(part)
