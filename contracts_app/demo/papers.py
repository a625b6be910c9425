"""What stands in a contract: parties, title, content, amounts, payment plan, technology."""

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    AttachmentKind,
    ContractType,
    Currency,
    Goal,
    Industry,
    IpKind,
    LicenceMode,
    PaymentModel,
    PlanSource,
    TechnologyField,
)
from contracts_app.codes.queries import listed
from contracts_app.core.clock import local
from contracts_app.core.money import from_fen
from contracts_app.platforms.models import Platform

from .cases import Case
from .details import Unanswered, answer
from .parties import Parties, Party
from .prices import explain
from .words import Trade, Words

_LISTS = (
    *(ContractType, TechnologyField, IpKind, PlanSource, PaymentModel, Goal, Industry, LicenceMode, Currency),
    AttachmentKind,
)
_RIGHTS = {
    "ZR1": (("0201", 70), ("0202", 26), ("0203", 4)),
    "XK1": (("0201", 75), ("0202", 25)),
    "ZR2": (("0201", 1),),
    "ZR3": (("01", 1),),
    "XK2": (("01", 1),),
    "ZR4": (("03", 1),),
    "XK3": (("03", 1),),
    "ZR9": (("0201", 60), ("01", 40)),
    "KF": (("01", 35), ("0201", 22), ("03", 13), ("08", 30)),
    "": (("08", 85), ("01", 12), ("03", 3)),
}
_PLANS = (("5", 88), ("4", 6), ("3", 4), ("15", 2))
_PAYMENTS = {
    "KF": (("instalments", 84), ("lump_sum", 14), ("entry_and_royalty", 2)),
    "ZR": (("lump_sum", 50), ("instalments", 40), ("entry_and_royalty", 10)),
    "XK": (
        ("entry_and_royalty", 28),
        ("instalments", 24),
        ("lump_sum", 24),
        ("royalty", 8),
        ("zero_entry", 6),
        ("use_first", 10),
    ),
    "": (("lump_sum", 52), ("instalments", 48)),
}
_PARTS = ((30, 70), (50, 50), (60, 40), (30, 40, 30), (40, 40, 20), (30, 30, 40), (20, 30, 30, 20), (40, 30, 20, 10))
IMPORTED, IMPORTS = ("KF1", "FW1"), 0.008
_MONTHS_VALID = {"KF": (12, 18, 24, 36), "ZR": (12, 24, 36), "XK": (24, 36, 60), "": (6, 12, 12, 24)}


class Line(NamedTuple):
    """One line of a payment plan. The amount is 元."""

    position: int
    due_on: date
    condition: str
    amount: Decimal


class File(NamedTuple):
    """One attachment."""

    kind: AttachmentKind
    file_name: str
    sha256: str
    size: int
    version: int = 1


@dataclasses.dataclass
class Paper(Unanswered):
    """A contract as its words and numbers: what ``facts_of`` and the search index read of a contract."""

    id: int
    case: Case
    seller: Party
    buyer: Party
    is_related: bool
    title: str
    type: ContractType
    content: str
    signed_on: date
    begins_on: date
    ends_on: date
    total_amount: Decimal
    technology_amount: Decimal
    payment_model: PaymentModel
    payment_note: str
    field: TechnologyField
    ip: IpKind
    plan_source: PlanSource
    goal: Goal
    industry: Industry
    platform: Platform | None
    acceptance_number: str | None
    registration_number: str | None
    broker: Broker | None = None
    payments: list[Line] = dataclasses.field(default_factory=list)
    current_attachments: list[File] = dataclasses.field(default_factory=list)


class Writer:
    """Writes the contracts of one unit after the other."""

    def __init__(
        self, rng: Random, words: Words, parties: Parties, platforms: dict[str, list[Platform]], last_day: date
    ) -> None:
        self.rng, self.words, self.parties, self.platforms, self.last_day = rng, words, parties, platforms, last_day
        self.codes: dict[type, dict[str, Any]] = {model: {one.code: one for one in listed(model)} for model in _LISTS}
        self.neighbours = [party for buyers in parties.buyers.values() for party in buyers]

    def write(self, key: int, case: Case, unit_code: str) -> Paper:
        """The contract of a case."""
        root, trade = case.type_code[:2], case.trade
        seller, buyer = self._parties(case, unit_code, trade)
        signed_on, begins_on, ends_on = self._days(case, root)
        total = from_fen(case.fen)
        model, note, payments = self._payment(case, root, signed_on, ends_on)
        codes = self.codes
        paper = Paper(
            id=key,
            case=case,
            seller=seller,
            buyer=buyer,
            is_related=self.rng.random() < 0.03,
            title=self._title(case.type_code, trade),
            type=codes[ContractType][case.type_code],
            content=self._content(trade),
            signed_on=signed_on,
            begins_on=begins_on,
            ends_on=ends_on,
            total_amount=total,
            technology_amount=self._technology_part(case, root),
            payment_model=model,
            payment_note=note,
            field=codes[TechnologyField][trade.field_code],
            ip=codes[IpKind][self._weighted(_RIGHTS.get(case.type_code) or _RIGHTS.get(root) or _RIGHTS[""])],
            plan_source=codes[PlanSource][self._weighted(_PLANS)],
            goal=codes[Goal][trade.goal_code],
            industry=codes[Industry][trade.industry_code],
            platform=self._platform(unit_code, signed_on),
            acceptance_number=case.acceptance_number,
            registration_number=case.registration_number,
            payments=payments,
        )
        answer(paper, trade.subjects, self.codes[LicenceMode], self.last_day)
        explain(paper, self.codes[Currency])
        return paper

    def _weighted(self, pairs: tuple[tuple[str, int], ...]) -> str:
        chance = self.rng.random() * sum(weight for _, weight in pairs)
        for code, weight in pairs:
            chance -= weight
            if chance < 0:
                return code
        return pairs[-1][0]

    def _some(self, parties: list[Party]) -> Party:
        """A few appear often, most now and then."""
        return parties[int(len(parties) * self.rng.random() ** 1.6)]

    def _parties(self, case: Case, unit_code: str, trade: Trade) -> tuple[Party, Party]:
        """Seller and buyer; now and then the seller sits abroad, and the office of the buyer registers the import."""
        seller = self._seller(unit_code, trade)
        if case.type_code in IMPORTED and self.rng.random() < IMPORTS:
            return self.rng.choice(self.parties.abroad), seller
        return seller, self._buyer(unit_code, trade, seller)

    def _seller(self, unit_code: str, trade: Trade) -> Party:
        sellers = self.parties.sellers[unit_code]
        for _ in range(6):
            seller = self._some(sellers)
            if seller.trade is None or seller.trade is trade:
                break
        return seller

    def _buyer(self, unit_code: str, trade: Trade, seller: Party) -> Party:
        chance = self.rng.random()
        group = self.parties.buyers[unit_code] if chance < 0.64 else self.neighbours
        if chance > 0.85:
            group = self.parties.outside
        for _ in range(4):
            buyer = self._some(group)
            if buyer.trade is trade and buyer.id != seller.id:
                break
        return buyer

    def _title(self, type_code: str, trade: Trade) -> str:
        choice, phrases = self.rng.choice, self.words.phrases
        return choice(phrases[type_code]).format(
            subject=choice(trade.subjects), method=choice(phrases["method"]), scene=choice(phrases["scene"])
        )

    def _content(self, trade: Trade) -> str:
        choice, phrases = self.rng.choice, self.words.phrases
        return (
            f"针对{choice(trade.subjects)}{choice(phrases['problem'])}的问题，由卖方提供技术方案并组织实施。"
            f"交付{choice(phrases['deliverable'])}。{choice(phrases['acceptance'])}。"
        )

    def _days(self, case: Case, root: str) -> tuple[date, date, date]:
        """Signed some weeks before it is filed, and still valid then."""
        filed_on = local(case.moves[0][1]).date() if case.moves else self.last_day
        signed_on = filed_on - timedelta(days=2 + int(self.rng.random() ** 2 * 75))
        begins_on = signed_on if self.rng.random() < 0.7 else signed_on + timedelta(days=int(self.rng.random() * 20))
        months = self.rng.choice(_MONTHS_VALID.get(root, _MONTHS_VALID[""]))
        years, month = divmod(begins_on.month - 1 + months, 12)
        after = date(begins_on.year + years, month + 1, min(begins_on.day, 28))
        return signed_on, begins_on, after - timedelta(days=1)

    def _technology_part(self, case: Case, root: str) -> Decimal:
        """Less the equipment and material, where the contract has any."""
        if root in ("ZR", "XK", "ZX") or self.rng.random() < 0.6:
            return from_fen(case.fen)
        step = 1_000_00 if case.fen >= 20_000_00 else 100
        part = int(case.fen * self.rng.uniform(0.62, 0.97)) // step * step
        return from_fen(max(part, min(step, case.fen)))

    def _payment(self, case: Case, root: str, signed_on: date, ends_on: date) -> tuple[Any, str, list[Line]]:
        code = self._weighted(_PAYMENTS.get(root) or _PAYMENTS[""])
        if case.type_code == "ZR9":
            code = "equity"
        note = ""
        if code in ("royalty", "entry_and_royalty", "zero_entry"):
            note = self.rng.choice(self.words.phrases["royalty"])
        elif code == "use_first":
            note = self.rng.choice(self.words.phrases["use_first"])
        elif code == "equity":
            note = f"以技术作价入股，占目标公司股权的{self.rng.choice((8, 10, 12, 15, 20))}%。"
        lines: list[Line] = []
        if code in ("lump_sum", "entry_and_royalty"):
            lines = [Line(1, signed_on + timedelta(days=15), self.words.phrases["step"][0], from_fen(case.fen))]
        elif code in ("instalments", "zero_entry"):
            lines = self._instalments(case.fen, signed_on, ends_on)
        return self.codes[PaymentModel][code], note, lines

    def _instalments(self, fen: int, signed_on: date, ends_on: date) -> list[Line]:
        parts, steps = self.rng.choice(_PARTS), self.words.phrases["step"]
        span, rest, lines = (ends_on - signed_on).days - 20, fen, []
        for position, part in enumerate(parts, 1):
            last = position == len(parts)
            amount = rest if last else fen * part // 10_000 * 100  # whole 元, what is left over at the end
            rest -= amount
            condition = steps[-1] if last else steps[0] if position == 1 else self.rng.choice(steps[1:-1])
            day = signed_on + timedelta(days=15 + span * (position - 1) // len(parts))
            lines.append(Line(position, day, condition, from_fen(amount)))
        return lines

    def _platform(self, unit_code: str, signed_on: date) -> Platform | None:
        nearby = self.platforms.get(unit_code, [])
        if not nearby or self.rng.random() > (0.3 if len(nearby) > 5 else 0.12):
            return None
        platform = self.rng.choice(nearby)
        return platform if platform.opened[:7] <= signed_on.isoformat() else None
