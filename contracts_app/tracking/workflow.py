"""核定技术性收入: asked for by the filer, checked by a registrar, approved by another person (domain facts 4.1)."""

from typing import Any

from wtforms.validators import DataRequired, InputRequired, Length

from contracts_app.accounts.models import StandIn, User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause, Figures
from contracts_app.contracts.deciding import guards as of_contract
from contracts_app.core.clock import now_utc, today
from contracts_app.core.errors import Refused
from contracts_app.core.money import yuan
from contracts_app.core.trail import audit
from contracts_app.core.web.fields import LongText, MoneyField
from contracts_app.core.workflow import Move, Workflow

from .models import Verification
from .room import why_too_much
from .states import VerificationState

FILERS = frozenset({Role.BROKER, Role.REGISTRAR})
REGISTRARS = frozenset({Role.REGISTRAR})
REVIEWERS = frozenset({Role.REVIEWER})
MOST = 1000


# ---- why not -------------------------------------------------------------------------------------------------------


def requested_by(asked: Verification, person: User) -> bool:
    return asked.contract.filed_by_id == person.id


def is_requester(asked: Verification, person: User) -> str | None:
    return None if requested_by(asked, person) else "只有申报人本人可以办理。"


def is_in_region(asked: Verification, person: User) -> str | None:
    return of_contract.is_in_region(asked.contract, person)


def did_not_file(asked: Verification, person: User) -> str | None:
    return of_contract.did_not_file(asked.contract, person)


def did_not_check(asked: Verification, person: User | StandIn) -> str | None:
    checker = asked.checked_by_id
    if checker is None or checker not in of_contract.bound_ids(person):
        return None
    return f"初核是{of_contract.who(person, checker)}做的，核定须由另一人办理。"


def contract_stands(asked: Verification, person: User) -> str | None:
    return None if asked.contract.is_in_force else "合同登记已经注销或撤销，不再核定。"


def is_covered(asked: Verification, person: User) -> str | None:
    """What it asks for was received, is not verified yet, and stays within the price."""
    if any(not one.stands for one in asked.receipts):
        return "作为依据的到账已经冲销，退回申请人修改。"
    too_much = why_too_much(asked.contract, asked.amount, asked)
    return f"{too_much}。" if too_much else None


# ---- what is asked -------------------------------------------------------------------------------------------------


def _words(label: str, sentence: str) -> LongText:
    return LongText(label, [DataRequired(sentence), Length(max=MOST, message=f"{label}不超过 {MOST} 字")])


def checked_amount(asked: Verification) -> MoneyField:
    return MoneyField(
        "核定额",
        [InputRequired("填写核定额")],
        default=asked.income,
        description=f"申请 {yuan(asked.income)} 元；核减的，在意见里写明理由。",
    )


def first_opinion(asked: Verification) -> LongText:
    return _words("初核意见", "写明初核意见：凭证和发票是否相符，扣除是否合理")


def opinion(asked: Verification) -> LongText:
    return _words("核定意见", "写明核定意见，例如“同意核定”")


def reason(asked: Verification) -> LongText:
    return _words("理由", "写明理由和要怎么做")


def checks_amount(form: Any) -> None:
    """Not nothing, and no more than was asked for."""
    field, asked = form.checked_amount, form.record
    if field.errors or field.data is None:
        return
    if not 0 < field.data <= asked.income:
        field.errors = [f"核定额大于 0，不超过申请的 {yuan(asked.income)} 元"]


# ---- what it does --------------------------------------------------------------------------------------------------


def take_the_time(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    asked.requested_at = now_utc()


def keep_check(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    if not 0 < answers["checked_amount"] <= asked.income:
        raise Refused(f"核定额大于 0，不超过申请的 {yuan(asked.income)} 元。")
    asked.checked_by, asked.checked_at = person, now_utc()
    asked.checked_amount, asked.opinion = answers["checked_amount"], answers["opinion"]


def forget_check(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    asked.checked_by = asked.checked_at = asked.checked_amount = None
    asked.opinion = ""


def _decide(asked: Verification, person: User, words: str) -> None:
    asked.decided_by, asked.decided_at, asked.decision = person, now_utc(), words


def count(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    """From the day of the decision on it counts."""
    _decide(asked, person, answers["opinion"])
    assert asked.decided_at is not None
    asked.counts_on = today()
    ledger.count_verification(asked.contract, asked.amount, asked.counts_on, asked.decided_at)


def keep_refusal(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    _decide(asked, person, answers["reason"])


def count_back(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    """What was counted is taken back on the day of this decision; earlier days stay as they were."""
    assert asked.decided_at is not None
    counted = Figures(verified_income=asked.amount)
    ledger.take_back_money(asked.contract, Cause.VERIFICATION, counted, asked.decided_at, today())


def write_audit(asked: Verification, person: User, answers: dict[str, Any]) -> None:
    audit.record(
        "verify_income",
        person,
        subject="contract",
        subject_id=asked.contract_id,
        to=asked.state.label,
        amount=f"{yuan(asked.amount)} 元",
    )


# ---- the moves -----------------------------------------------------------------------------------------------------

DECIDING = (is_in_region, did_not_file)
S = VerificationState

VERIFICATION = Workflow(
    name="核定技术性收入",
    initial=S.DRAFT,
    moves=[
        Move(
            name="submit",
            label="提交核定申请",
            done="核定申请已提交，由登记员初核、另一人核定。",
            explains="提交后不能再改；作为依据的到账在核定以前不能冲销。",
            icon="send",
            tone="primary",
            sources=frozenset({S.DRAFT}),
            target=S.SUBMITTED,
            roles=FILERS,
            concerns=requested_by,
            guards=(is_requester, contract_stands, is_covered),
            effects=(take_the_time, write_audit),
        ),
        Move(
            name="check",
            label="初核",
            done="初核意见已记录，由另一人核定。",
            explains="对照银行凭证和发票核对到账，看扣除是否合理，写明核定额和意见。",
            icon="clipboard-check",
            tone="primary",
            sources=frozenset({S.SUBMITTED}),
            target=S.CHECKED,
            roles=REGISTRARS,
            asks={"checked_amount": checked_amount, "opinion": first_opinion},
            checks=checks_amount,
            guards=(*DECIDING, contract_stands, is_covered),
            effects=(keep_check, write_audit),
        ),
        Move(
            name="approve",
            label="核定",
            done="已核定，从今天起计入核定技术性收入。",
            explains="核定后计入今天所在年度的核定技术性收入，可以打印核定表。",
            icon="patch-check",
            tone="primary",
            sources=frozenset({S.CHECKED}),
            target=S.APPROVED,
            roles=REVIEWERS,
            asks={"opinion": opinion},
            guards=(*DECIDING, did_not_check, contract_stands, is_covered),
            effects=(count, write_audit),
        ),
        Move(
            name="refuse",
            label="不予核定",
            done="已作出不予核定的决定。",
            explains="到账不真实、不属于技术性收入的，写明理由；申请人会看到。",
            icon="x-octagon",
            tone="danger",
            sources=frozenset({S.CHECKED}),
            target=S.REFUSED,
            roles=REVIEWERS,
            asks={"reason": reason},
            guards=(*DECIDING, did_not_check),
            effects=(keep_refusal, write_audit),
        ),
        Move(
            name="return_check",
            label="退回初核",
            done="已退回初核。",
            explains="核定额或者依据要重新核实的，退回登记员重做初核。",
            icon="arrow-counterclockwise",
            sources=frozenset({S.CHECKED}),
            target=S.SUBMITTED,
            roles=REVIEWERS,
            asks={"reason": reason},
            guards=(*DECIDING, did_not_check),
            effects=(forget_check, write_audit),
        ),
        Move(
            name="send_back",
            label="退回申请人",
            done="已退回申请人修改。",
            explains="依据不全、数额不对的，写明要改什么；申请人改好后再提交。",
            icon="arrow-return-left",
            sources=frozenset({S.SUBMITTED}),
            target=S.DRAFT,
            roles=REGISTRARS,
            asks={"reason": reason},
            guards=DECIDING,
            effects=(write_audit,),
        ),
        Move(
            name="withdraw",
            label="撤回申请",
            done="核定申请已撤回。",
            explains="撤回后这份申请结束，作为依据的到账可以另行申请。",
            icon="x-circle",
            tone="danger",
            sources=frozenset({S.DRAFT, S.SUBMITTED}),
            target=S.WITHDRAWN,
            roles=FILERS,
            concerns=requested_by,
            guards=(is_requester,),
            effects=(write_audit,),
            is_task=False,
        ),
        Move(
            name="revoke",
            label="撤销核定",
            done="核定已撤销，从今天起减去。",
            explains="核定有误的，写明理由撤销；从今天所在年度的核定技术性收入中减去，以前年度的数不变。",
            icon="slash-circle",
            tone="danger",
            sources=frozenset({S.APPROVED}),
            target=S.REVOKED,
            roles=REVIEWERS,
            asks={"reason": reason},
            guards=DECIDING,
            effects=(count_back, write_audit),
            is_task=False,
        ),
    ],
)
