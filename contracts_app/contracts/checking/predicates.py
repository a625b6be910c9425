"""The tests that the rules on contracts name: small, pure, and about one thing each.

A test gets the contract, what is known around it, and the parameters of the rule. It answers None when there is nothing
to say, True, or the values of the placeholders in the rule's sentence. What it says to people stands in the rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from functools import cached_property

from contracts_app.contracts.books.facets import band_of
from contracts_app.contracts.models import Contract
from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.core.text import name_key
from contracts_app.rules.models import AmountBasis, RuleSet
from contracts_app.rules.predicates import Said, predicate
from contracts_app.rules.queries import setting

from .lookups import Deal, Lookups, hashes_of

OUTSIDE_PLANS = "5"  # 计划外
SUBJECT_FIELDS = ("title", "content")
ALL_TEXT = ("title", "content", "payment_note")
COMPARED = 20  # titles looked at for likeness


@dataclass
class Context:
    """What is known around a contract: the day in Asia/Shanghai, its rule set, and other contracts if asked for."""

    today: date
    rule_set: RuleSet
    lookups: Lookups

    @cached_property
    def large_amount(self) -> Decimal | None:
        """元; None where the rules know no large contracts."""
        return self.rule_set.large_amount


def is_of(contract: Contract, types: Sequence[str]) -> bool:
    """Whether the contract is of one of these types, given as roots or leaves; of any where none is given."""
    kind = contract.type
    return not types or bool(kind and {kind.code, kind.parent_code} & set(types))


def text_of(contract: Contract, fields: Sequence[str]) -> str:
    """What these fields say, taken together."""
    return "\n".join(getattr(contract, name) or "" for name in fields)


def named(contract: Contract, words: Sequence[str], fields: Sequence[str]) -> str | None:
    """The first of the words that stands in the fields."""
    said = text_of(contract, fields)
    return next((word for word in words if word in said), None)


# ---- answers that are there or not --------------------------------------------------------------------------------


@predicate()
def is_blank(contract: Contract, context: Context, field: str) -> Said:
    """An answer is missing."""
    return True if getattr(contract, field) in (None, "") else None


@predicate()
def is_said_no(contract: Contract, context: Context, field: str) -> Said:
    """A question whose answer ought to be yes is answered with no."""
    return True if getattr(contract, field) is False else None


@predicate("name")
def code_is_out_of_use(contract: Contract, context: Context, relation: str) -> Said:
    """A chosen code's last day has passed; what was handed in keeps the codes of its day."""
    day = local(contract.submitted_at).date() if contract.submitted_at else context.today
    chosen = getattr(contract, relation)
    return {"name": chosen.name} if chosen and chosen.valid_to and chosen.valid_to < day else None


@predicate()
def type_is_no_leaf(contract: Contract, context: Context) -> Said:
    """A type is chosen, but not down to the subtype."""
    return True if contract.type_code and not (contract.type and contract.type.parent_code) else None


@predicate("type")
def type_is_one_of(contract: Contract, context: Context, types: Sequence[str]) -> Said:
    """The contract is of a type that the rules treat in a way of its own."""
    return {"type": contract.type.name} if contract.type and is_of(contract, types) else None


# ---- days -----------------------------------------------------------------------------------------------------------


@predicate("today")
def is_after_today(contract: Contract, context: Context, field: str) -> Said:
    """A day lies in the future."""
    day = getattr(contract, field)
    return {"today": context.today.isoformat()} if day and day > context.today else None


@predicate("other")
def is_before(contract: Contract, context: Context, field: str, other: str) -> Said:
    """A day lies before another which it cannot precede."""
    day, edge = getattr(contract, field), getattr(contract, other)
    return {"other": edge.isoformat()} if day and edge and day < edge else None


@predicate("day")
def has_expired(contract: Contract, context: Context) -> Said:
    """The last day of validity is over."""
    return {"day": contract.ends_on.isoformat()} if contract.ends_on and contract.ends_on < context.today else None


@predicate("day", "left")
def expires_soon(contract: Contract, context: Context, days: int) -> Said:
    """The validity ends within so many days: before the decision is made it may be over."""
    if not contract.ends_on or not 0 <= (contract.ends_on - context.today).days <= days:
        return None
    return {"day": contract.ends_on.isoformat(), "left": str((contract.ends_on - context.today).days)}


# ---- words of the contract ------------------------------------------------------------------------------------------


@predicate("word", heuristic=True)
def names(
    contract: Contract,
    context: Context,
    words: Sequence[str],
    fields: Sequence[str] = SUBJECT_FIELDS,
    types: Sequence[str] = (),
    unless: Sequence[str] = (),
) -> Said:
    """A word stands in the text that speaks against the type, or asks for something."""
    if (types and not contract.type) or not is_of(contract, types) or named(contract, unless, fields):
        return None
    word = named(contract, words, fields)
    return {"word": word} if word else None


@predicate("missing", heuristic=True)
def lacks(
    contract: Contract,
    context: Context,
    words: Mapping[str, Sequence[str]],
    fields: Sequence[str] = SUBJECT_FIELDS,
    types: Sequence[str] = (),
) -> Said:
    """The text says nothing of what such a contract agrees on: for each element, the words that would tell of it."""
    if (types and not contract.type) or not is_of(contract, types):
        return None
    said = text_of(contract, fields)
    if not text_of(contract, fields[-1:]).strip():
        return None  # another rule asks for the text itself
    missing = [element for element, any_of in words.items() if not any(word in said for word in any_of)]
    return {"missing": "、".join(missing)} if missing else None


@predicate("length", heuristic=True)
def content_is_short(contract: Contract, context: Context, shortest: int) -> Said:
    """Too few characters to understand what is to be done."""
    length = len("".join(contract.content.split()))
    return {"length": str(length)} if 0 < length < shortest else None


@predicate(heuristic=True)
def title_is_general(contract: Contract, context: Context, words: Sequence[str]) -> Said:
    """The title names the kind of contract and nothing of the technology."""
    rest = contract.title.strip()
    for word in words:
        rest = rest.replace(word, "")
    return True if contract.title and len(rest.strip()) < 2 else None


@predicate("word", "type", heuristic=True)
def title_names_another_type(contract: Contract, context: Context, words: Mapping[str, Sequence[str]]) -> Said:
    """The title says one type and the form another."""
    if not contract.type or not contract.type.parent_code:
        return None
    said = [word for word in words if word in contract.title]
    if not said or any(is_of(contract, words[word]) for word in said):
        return None
    return {"word": said[0], "type": contract.type.name}


# ---- money ----------------------------------------------------------------------------------------------------------


@predicate("total")
def total_is_below(contract: Contract, context: Context, setting_key: str) -> Said:
    """A price so small that 万元 may have been meant; the limit is a setting of the office."""
    return {"total": money.yuan(contract.total_amount)} if 0 < contract.total_amount < setting(setting_key) else None


@predicate("total")
def total_is_above(contract: Contract, context: Context, setting_key: str) -> Said:
    """A price so large that 元 may have been meant; the limit is a setting of the office."""
    return {"total": money.yi(contract.total_amount)} if contract.total_amount > setting(setting_key) else None


@predicate("total")
def technology_exceeds_total(contract: Contract, context: Context) -> Said:
    """技术交易额 is the price less goods, so it cannot be more."""
    exceeds = contract.technology_amount > contract.total_amount
    return {"total": money.yuan(contract.total_amount)} if exceeds else None


@predicate("word", heuristic=True)
def goods_are_not_deducted(
    contract: Contract, context: Context, words: Sequence[str], fields: Sequence[str], unless: Sequence[str] = ()
) -> Said:
    """Goods are named, and nothing was deducted for them."""
    if not contract.total_amount or contract.technology_amount != contract.total_amount:
        return None
    word = named(contract, words, fields)
    return {"word": word} if word and not named(contract, unless, fields) else None


@predicate("share", heuristic=True)
def technology_is_a_small_part(contract: Contract, context: Context, percent: int) -> Said:
    """Most of the price is for goods: it may be a sale."""
    total, part = contract.total_amount, contract.technology_amount
    if not 0 < part < total * percent / 100:
        return None
    return {"share": f"{part * 100 / total:.1f}"}


@predicate("amount", "threshold", "basis")
def is_large(contract: Contract, context: Context) -> Said:
    """The rules send contracts of this amount on the way for large ones."""
    threshold, basis = context.large_amount, context.rule_set.large_amount_basis
    if threshold is None or basis is None:
        return None
    amount = contract.total_amount if basis is AmountBasis.TOTAL_AMOUNT else contract.technology_amount
    if amount < threshold:
        return None
    return {"amount": money.wan(amount), "threshold": money.wan(threshold), "basis": basis.label}


@predicate("planned", "word", "gap")
def plan_does_not_add_up(contract: Contract, context: Context) -> Said:
    """The lines of the plan do not add up to a price that is fixed."""
    model = contract.payment_model
    if not contract.payments or not model or not model.must_sum_to_total:
        return None
    planned = sum((line.amount for line in contract.payments), Decimal(0))
    gap = contract.total_amount - planned
    if gap == 0:
        return None
    return {"planned": money.yuan(planned), "word": "少" if gap > 0 else "多", "gap": money.yuan(abs(gap))}


@predicate("position", "day")
def is_paid_outside_validity(contract: Contract, context: Context, after_days: int) -> Said:
    """A payment falls due before the contract is signed, or long after it ends."""
    for line in contract.payments:
        early = line.due_on and contract.signed_on and line.due_on < contract.signed_on
        late = line.due_on and contract.ends_on and (line.due_on - contract.ends_on).days > after_days
        if line.due_on and (early or late):
            return {"position": str(line.position), "day": line.due_on.isoformat()}
    return None


@predicate("lines")
def lump_sum_has_lines(contract: Contract, context: Context) -> Said:
    """To be paid at once, and the plan has several lines."""
    several = contract.payment_model_code == "lump_sum" and len(contract.payments) > 1
    return {"lines": str(len(contract.payments))} if several else None


# ---- technology -----------------------------------------------------------------------------------------------------


@predicate("type")
def right_is_missing(contract: Contract, context: Context) -> Said:
    """A transfer or licence, and no right is involved."""
    if not contract.type or not contract.ip or not contract.type.asks_ip or not contract.ip.is_none:
        return None
    return {"type": contract.type.name}


@predicate("type", "ip")
def right_is_of_another_kind(contract: Contract, context: Context, kinds: Mapping[str, Sequence[str]]) -> Said:
    """The right that is named is none that this type moves: for each type, the kinds of right."""
    if not contract.type or not contract.ip or contract.ip.is_none or contract.type.code not in kinds:
        return None
    fits = contract.ip.code.startswith(tuple(kinds[contract.type.code]))
    return None if fits else {"type": contract.type.name, "ip": contract.ip.name}


@predicate()
def may_be_classified(contract: Contract, context: Context) -> Said:
    """The goal is one for which the office first asks whether the contract is classified."""
    return True if contract.goal and contract.goal.asks_classified_check else None


# ---- other contracts ------------------------------------------------------------------------------------------------


@predicate("number", heuristic=True)
def is_filed_already(contract: Contract, context: Context) -> Said:
    """Another contract has the same parties, the same day of signing and a price of the same band."""
    others = context.lookups.between(contract.seller_id, contract.buyer_id, except_for=contract.id)
    return _number([one for one in others if _same(contract, one)])


@predicate("number", heuristic=True)
def is_filed_by_the_other_side(contract: Contract, context: Context) -> Said:
    """The other party has filed a contract of the same day and a like price the other way round."""
    others = context.lookups.between(contract.buyer_id, contract.seller_id, except_for=contract.id)
    return _number([one for one in others if _same(contract, one)])


@predicate("title", "number", heuristic=True)
def is_like_another(contract: Contract, context: Context, days: int, likeness: float) -> Said:
    """Same parties and nearly the same title, signed within some days of each other; whatever the price."""
    signed_on = contract.signed_on
    if not contract.title or not signed_on:
        return None
    others = context.lookups.between(contract.seller_id, contract.buyer_id, except_for=contract.id)
    near = [one for one in others if abs(one.signed_on - signed_on) <= timedelta(days=days)]
    near = [one for one in near if not _same(contract, one)]
    like = [one for one in near[:COMPARED] if _likeness(one.title, contract.title) >= likeness]
    return {"title": contract.title, "number": str(len(like))} if like else None


@predicate("number", heuristic=True)
def has_the_file_of_another(contract: Contract, context: Context) -> Said:
    """The contract's text is, byte for byte, the text of another contract."""
    number = context.lookups.with_file(hashes_of(contract), except_for=contract.id)
    return {"number": str(number)} if number else None


@predicate("number", heuristic=True)
def has_the_content_of_another(contract: Contract, context: Context, shortest: int) -> Said:
    """The subject is described in the very words of another contract of the seller."""
    if len(contract.content) < shortest:
        return None
    number = context.lookups.with_content(contract.seller_id, contract.content, except_for=contract.id)
    return {"number": str(number)} if number else None


@predicate("total", "day", heuristic=True)
def is_round_at_year_end(contract: Contract, context: Context, multiple: int, from_day: int, at_least: int) -> Said:
    """A round price (元), signed in the last days of December."""
    if not _is_round(contract.total_amount, multiple) or contract.total_amount < at_least:
        return None
    if not _at_year_end(contract.signed_on, from_day):
        return None
    return {"total": money.wan(contract.total_amount), "day": str(contract.signed_on)}


@predicate("number", "day", heuristic=True)
def is_one_of_a_batch(contract: Contract, context: Context, multiple: int, from_day: int, others: int) -> Said:
    """The seller signed several contracts with round prices (元) on the same day late in December."""
    if not _is_round(contract.total_amount, multiple) or not _at_year_end(contract.signed_on, from_day):
        return None
    same_day = context.lookups.of_day(contract.seller_id, contract.signed_on, except_for=contract.id)
    batch = [one for one in same_day if _is_round(one.total_amount, multiple)]
    return {"number": str(len(batch) + 1), "day": str(contract.signed_on)} if len(batch) >= others else None


def _same(contract: Contract, other: Deal) -> bool:
    """The same day and a price of the same band: an exact one could be found out by whoever files and tries."""
    return contract.signed_on == other.signed_on and band_of(contract.total_amount) is band_of(other.total_amount)


def _number(found: Sequence[Deal]) -> Said:
    return {"number": str(len(found))} if found else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, name_key(one), name_key(other), autojunk=False).ratio()


def _is_round(amount: Decimal, multiple: int) -> bool:
    return amount > 0 and amount % multiple == 0


def _at_year_end(day: date | None, from_day: int) -> bool:
    return day is not None and day.month == 12 and day.day >= from_day
