"""What the type of a contract asks besides: rights, licence, trainees, shares; and where the deal came from.

Drawn by the contract's own number, so that nothing else of the demonstration changes with it.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from contracts_app.codes.models import ContractType, IpKind, LicenceMode
from contracts_app.contracts.details import Origin, Pricing, TypeDetails
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import local
from contracts_app.core.codes import patent_number_with_check
from contracts_app.regions.queries import ABROAD

_ASKED = {name for mixin in (TypeDetails, Pricing, Origin) for name in (*vars(mixin), *mixin.__annotations__)}
_COLUMNS = [column for column in Contract.__table__.c if column.key in _ASKED]
COLUMNS = tuple(column.key for column in _COLUMNS)
_PATENTS = {"0201": ("1", 20), "0202": ("2", 10), "0203": ("3", 15)}  # digit of the kind in the number, years it lasts
_SOFTWARE, _SOFTWARE_YEARS = "03", 50
_MODES = (("3", 60), ("1", 25), ("2", 15))
_TERRITORIES = ("中国境内", "福建省", "福建省、浙江省、广东省")
_ACTIVITIES = ("科技成果搭桥行动", "技术赶集日", "创智汇")


class Right(NamedTuple):
    """One line of rights."""

    position: int
    ip: IpKind
    number: str
    name: str
    owner: str
    applied_on: date
    valid_until: date

    def columns(self) -> dict[str, Any]:
        """The row of the line."""
        return {name: value for name, value in self._asdict().items() if name != "ip"} | {"ip_code": self.ip.code}


class Unanswered:
    """A contract in which nothing was said about any of this."""

    licence_mode: LicenceMode | None = None
    currency: Any = None
    rights: tuple[Right, ...] = ()
    deductions: tuple[Any, ...] = ()


for _column in _COLUMNS:
    setattr(Unanswered, _column.key, _column.default.arg if _column.default is not None else None)


def answer(paper: Any, subjects: tuple[str, ...], modes: dict[str, LicenceMode], last_day: date) -> None:
    """Fill in what the type of the paper asks. No day lies after ``last_day``."""
    rng, kind = Random(paper.id * 7919), paper.type  # noqa: S311  (made-up words, nothing secret)
    paper.is_sealed = True
    if rng.random() < 0.7:
        paper.contract_number = f"{paper.signed_on:%Y}-JS-{paper.id:05d}"
    if rng.random() < 0.08:
        paper.activity = rng.choice(_ACTIVITIES)
        paper.demand_number = f"XQ-{paper.signed_on:%Y}-{rng.randrange(1, 900):03d}"
    if kind.asks_ip:
        paper.rights = _rights(rng, paper, kind, subjects)
    if kind.asks_licence:
        paper.licence_mode_code = rng.choices([code for code, _ in _MODES], [weight for _, weight in _MODES])[0]
        paper.licence_mode = modes[paper.licence_mode_code]
        paper.licence_territory = rng.choice(_TERRITORIES)
        paper.licence_begins_on, paper.licence_ends_on = paper.begins_on, paper.ends_on
    if kind.asks_expected_output:
        paper.expected_input = _round(paper.total_amount * rng.randrange(1, 8) / 4)
        paper.expected_output = _round(paper.total_amount * rng.randrange(4, 30) / 2)
    if kind.asks_base_contract:
        paper.base_note = (
            f"促成{paper.buyer.name}与省内高校{paper.signed_on:%Y年%m月}签订的{rng.choice(subjects)}技术转让合同。"
        )
        paper.base_amount = _round(paper.total_amount * rng.randrange(8, 30))
    if kind.asks_trainees:
        paper.trainee_count = rng.randrange(8, 60)
        paper.trainee_note = f"买方指定的工艺、设备和质量人员，{rng.choice(subjects)}项目"
    if paper.seller.region_code == ABROAD:
        paper.import_certificate_number = f"DEMO-{paper.signed_on:%Y}-{paper.id:05d}"
        paper.import_registered_on = min(
            paper.begins_on + timedelta(days=rng.randrange(8, 40)), filed_on(paper, last_day)
        )
    if kind.asks_equity:
        paper.equity_valuation = paper.total_amount
        share = re.search(r"([0-9]+)%", paper.payment_note)
        paper.equity_share = Decimal(share[1]) if share else Decimal(10)
        registered_on = paper.signed_on + timedelta(days=20 + rng.randrange(40))
        paper.equity_registered_on = registered_on if registered_on <= filed_on(paper, last_day) else None


def filed_on(paper: Any, last_day: date) -> date:
    """The day of the first submission; of a draft the last day."""
    return local(paper.case.moves[0][1]).date() if paper.case.moves else last_day


def _rights(rng: Random, paper: Any, kind: ContractType, subjects: tuple[str, ...]) -> tuple[Right, ...]:
    rights = []
    for position in range(1, 2 + (rng.random() < 0.25)):
        applied_on = paper.signed_on - timedelta(days=200 + rng.randrange(1200))
        subject, code = rng.choice(subjects), paper.ip.code
        number, name, years = "", f"{subject}的配方和工艺（演示）", 20
        if code in _PATENTS:
            digit, years = _PATENTS[code]
            prefix = "CN" if kind.code == "ZR2" else "ZL"
            number = prefix + patent_number_with_check(f"{applied_on.year}{digit}{rng.randrange(10**7):07d}")
            name = f"一种{subject}的装置（演示）"
        elif code == _SOFTWARE:
            number, years = f"{applied_on.year}SR{rng.randrange(10**7):07d}", _SOFTWARE_YEARS
            name = f"{subject}软件（演示）"
        ends_on = date(applied_on.year + years, applied_on.month, min(applied_on.day, 28))
        rights.append(Right(position, paper.ip, number, name, paper.seller.name, applied_on, ends_on))
    return tuple(rights)


def _round(amount: Decimal) -> Decimal:
    """To whole 元."""
    return Decimal(int(amount))
