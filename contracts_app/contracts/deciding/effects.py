"""What the moves of the registration do besides changing the state. Those of the cases are in ``cases.moves``."""

from typing import Any

from contracts_app.accounts.models import User
from contracts_app.codes.models import ContractType
from contracts_app.contracts import amounts
from contracts_app.contracts.books import ledger
from contracts_app.contracts.facts import changed_since_submission, changes_of, facts_of
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import Contract, CorrectionItem
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit
from contracts_app.rules.queries import work_calendar

from . import numbers, route
from .asks import why_not_on


def fix_submission(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Fix what was submitted, and start the clock.

    The clock runs from the day on which the complete set was submitted and starts again with each resubmission
    (draft Measures Art. 14, domain facts 1.4); the rule set is the one in force on the day of the first filing.
    """
    now = now_utc()
    day = local(now).date()
    limits = route.limits_of(contract, day)
    is_large = limits.is_large(total_amount=contract.total_amount, technology_amount=contract.technology_amount)
    contract.submitted_at = now
    contract.undertaking = True
    contract.rule_set_code = limits.rule_set.code
    contract.due_on = limits.due_on(day, work_calendar(), is_large=is_large)
    route.start_anew(contract)
    route.find(contract, limits)
    answers["facts"] = facts_of(contract)
    if (changes := changed_since_submission(contract)) is not None:
        answers["changes"] = changes
    reindex([contract])


def answer_corrections(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Each item of the list gets its own answer; the history keeps them side by side."""
    waiting = contract.open_corrections
    if len(answers["replies"]) != len(waiting) or not all(answers["replies"]):
        raise Refused("补正清单要逐项答复，每一项写明改了什么，或者为什么不用改。")
    for item, reply in zip(waiting, answers["replies"], strict=True):
        item.reply, item.answered_at = reply, now_utc()
    answers["replies"] = [
        {"section": item.section, "field": item.field, "request": item.request, "reply": item.reply} for item in waiting
    ]


def ask_corrections(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Keep the list for the applicant; what was decided so far is open again."""
    answers["items"] = [line for line in answers["items"] if line["section"] and line["request"]]
    for line in answers["items"]:
        contract.corrections.append(
            CorrectionItem(
                section=line["section"],
                field=line.get("field", ""),
                request=line["request"],
                asked_by_id=person.id,
                asked_at=now_utc(),
            )
        )
    contract.reviewed_by = contract.decided_by = None
    route.start_anew(contract)
    contract.due_on = None  # the clock stands still until the applicant answers


def give_acceptance_number(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Accepted as of the day of the complete submission; the number is given once and kept through corrections."""
    assert contract.submitted_at is not None
    assert contract.unit is not None
    contract.accepted_on = local(contract.submitted_at).date()
    if contract.acceptance_number is None:
        contract.acceptance_number = numbers.next_acceptance_number(contract.unit, today().year)
    answers["acceptance_number"] = contract.acceptance_number
    reindex([contract])


def keep_first_review(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    before = facts_of(contract)
    contract.reviewed_by = person
    # Hand-made requests cannot name an amount: it is what the sheet leaves of the price.
    if "deductions" in answers:
        amounts.keep_deductions(contract, amounts.deductions_of(answers.pop("deductions")))
        contract.technology_amount = amounts.technology_part(contract.total_amount, contract.deductions)
    answers["recognised_amount"] = contract.technology_amount
    contract.type_code = answers["recognised_type"]
    contract.type = db.session.get(ContractType, contract.type_code)
    route.find(contract, route.limits_of(contract, today()))
    answers["changes"] = changes_of(before, facts_of(contract))


def undo_first_review(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.reviewed_by = None


def put_on_register(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Number, date, second person - and from this moment it counts."""
    if sentence := why_not_on(contract, answers["registered_on"]):
        raise Refused(f"{sentence}。")
    contract.registration_number = answers["registration_number"]
    contract.registered_on = answers["registered_on"]
    contract.verification_code = numbers.new_verification_code()
    contract.decided_by = person
    answers["facts"] = facts_of(contract)
    reindex([contract])
    ledger.count_registration(contract)


def keep_refusal(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.refusal_code = answers["refusal_code"]
    contract.decided_by = person


def write_audit(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    batch = {"batch": f"共 {answers['batch']} 份"} if "batch" in answers else {}
    audit.record("move", person, subject="contract", subject_id=contract.id, to=contract.state.label, **batch)
