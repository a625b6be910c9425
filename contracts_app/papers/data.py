"""What stands on the papers: a contract in words. The only place that reads contracts for printing."""

from datetime import date, datetime
from typing import Any

from contracts_app.contracts.corrections import words_of
from contracts_app.contracts.facts import type_in_words
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core import money
from contracts_app.core.clock import local, now_utc
from contracts_app.core.installation import is_demonstration
from contracts_app.enterprises.models import Enterprise
from contracts_app.rules.queries import limits_on

NONE = "—"


def in_words(contract: Contract) -> dict[str, Any]:
    """Everything any of the papers prints, as text; what is missing is a dash. Amounts are 元."""
    filed_on = _first_day(contract)
    limits = limits_on(filed_on)
    is_large = limits.is_large(total_amount=contract.total_amount, technology_amount=contract.technology_amount)
    return {
        "is_demonstration": is_demonstration(),
        "office": contract.unit.office_name if contract.unit else NONE,
        "printed_at": local(now_utc()).strftime("%Y-%m-%d %H:%M"),
        "dated": _long_day(local(_last_moment(contract)).date()),
        "acceptance_number": contract.acceptance_number or "（尚未受理）",
        "applicant": contract.seller.name if contract.seller else NONE,
        "title": contract.name,
        "seller": _name(contract.seller),
        "seller_code": _code(contract.seller),
        "buyer": _name(contract.buyer),
        "buyer_code": _code(contract.buyer),
        "seller_party": _party(contract.seller),
        "buyer_party": _party(contract.buyer),
        "type": type_in_words(contract) or NONE,
        "field": _name(contract.field),
        "ip": _name(contract.ip),
        "plan_source": _name(contract.plan_source),
        "goal": _name(contract.goal),
        "industry": _name(contract.industry),
        "platform": _name(contract.platform),
        "broker": _name(contract.broker),
        "is_related": {True: "是", False: "否", None: NONE}[contract.is_related],
        "signed_on": _day(contract.signed_on),
        "begins_on": _day(contract.begins_on),
        "ends_on": _day(contract.ends_on),
        "submitted_on": _day(local(contract.submitted_at).date() if contract.submitted_at else None),
        "accepted_on": _day(contract.accepted_on),
        "due_on": _day(contract.due_on),
        "registered_on": _day(contract.registered_on),
        "limit": (limits.large_review if is_large else limits.review).words,
        "rule_set": limits.rule_set.name,
        "total_amount": money.yuan(contract.total_amount),
        "total_capitals": money.capitals(contract.total_amount),
        "technology_amount": money.yuan(contract.technology_amount),
        "technology_capitals": money.capitals(contract.technology_amount),
        "payment_model": _name(contract.payment_model),
        "payment_note": contract.payment_note or NONE,
        "payments": [
            {
                "number": str(line.position),
                "due_on": _day(line.due_on),
                "condition": line.condition or NONE,
                "amount": money.yuan(line.amount),
            }
            for line in contract.payments
        ],
        "content": contract.content or NONE,
        "filer": contract.filed_by.name,
        "items": [
            {"number": number, "section": words_of(item), "request": item.request}
            for number, item in enumerate(contract.open_corrections, 1)
        ],
        "refusal_code": contract.refusal_code or "",
        "refusal_name": _name(contract.refusal),
        "refusal_text": _refusal_text(contract),
        "registration_number_spaced": _spaced(contract.registration_number or ""),
        "verification_code": contract.verification_code or NONE,
        "reviewed_by": _name(contract.reviewed_by),
        "decided_by": _name(contract.decided_by),
        "outcome": contract.state.label,
        "steps": [_step(line) for line in contract.history],
    }


def _first_day(contract: Contract) -> date:
    """The day of the first filing, which decides the rules; the day it was begun for what was never submitted."""
    submitted = (line.at for line in contract.history if line.target is State.SUBMITTED)
    return local(next(submitted, contract.created_at)).date()


def _last_moment(contract: Contract) -> datetime:
    return contract.history[-1].at if contract.history else contract.created_at


def _refusal_text(contract: Contract) -> str:
    texts = (line.answers.get("opinion", "") for line in reversed(contract.history) if line.target is State.REFUSED)
    return next(texts, "") or NONE


def _step(line: HistoryLine) -> dict[str, str]:
    words = [str(line.answers[name]) for name in ("opinion", "reason", "reply") if line.answers.get(name)]
    if conclusion := line.answers.get("conclusion"):
        words.insert(0, {"register": "建议登记", "refuse": "建议不予登记"}.get(conclusion, conclusion))
    words += [item["request"] for item in line.answers.get("items", [])]
    words += [item["reply"] for item in line.answers.get("replies", [])]
    return {
        "at": local(line.at).strftime("%Y-%m-%d %H:%M"),
        "label": CONTRACT.moves[line.move].label,
        "by": line.by.name,
        "words": "；".join(words) or NONE,
    }


def _party(party: Enterprise | None) -> dict[str, str]:
    return {
        "name": _name(party),
        "code": _code(party),
        "kind": party.party_type.name if party else NONE,
        "place": party.place if party else NONE,
        "address": (party.address if party else "") or NONE,
        "representative": (party.representative if party else "") or NONE,
        "contact": (party.contact if party else "") or NONE,
    }


def _spaced(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4)) or NONE


def _name(thing: Any) -> str:
    return thing.name if thing else NONE


def _code(party: Enterprise | None) -> str:
    return (party.code if party else None) or NONE


def _day(day: date | None) -> str:
    return day.isoformat() if day else NONE


def _long_day(day: date) -> str:
    return f"{day.year} 年 {day.month} 月 {day.day} 日"
