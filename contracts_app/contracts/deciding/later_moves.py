"""Moves that decide nothing new: more time for a decision, one's own decision taken back, the closed file put away."""

from datetime import timedelta
from typing import Any

from wtforms.validators import DataRequired, InputRequired, Length

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.filing.detail_forms import WholeNumber
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.core.web.fields import DayField, ShortText
from contracts_app.core.words import Word
from contracts_app.core.workflow import Move
from contracts_app.rules.queries import setting, work_calendar

from . import asks, effects, guards

REGISTRARS = frozenset({Role.REGISTRAR})
APPROVERS = frozenset({Role.REVIEWER, Role.MANAGER})
OFFICE = REGISTRARS | APPROVERS
DECIDING = (guards.is_in_region, guards.did_not_file)
BY_THE_CLOCK = frozenset({State.ACCEPTED, State.REVIEWED, State.EXPERT, State.CHECKED})
CLOSED = frozenset(
    {State.REGISTERED, State.REFUSED, State.NOT_ACCEPTED, State.WITHDRAWN, State.CANCELLED, State.REVOKED}
)


# ---- 延长期限 -------------------------------------------------------------------------------------------------------


def extension_days(contract: Contract) -> Any:
    left = _days_left(contract)
    return WholeNumber(
        "延长几个工作日",
        [InputRequired("填写延长几个工作日")],
        largest=left,
        description=f"最多还能延长 {left} 个工作日。",
        render_kw={"inputmode": "numeric"},
    )


def _days_left(contract: Contract) -> int:
    return max(int(setting("extension_days_most")) - contract.extended_days, 0)


def extend_limit(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Move the last day on by working days. The sum of all extensions has a cap."""
    days = answers["days"]
    if not 1 <= days <= _days_left(contract):
        raise Refused(f"最多还能延长 {_days_left(contract)} 个工作日。")
    assert contract.due_on is not None
    contract.due_on = work_calendar().add_workdays(contract.due_on, days)
    contract.extended_days += days


# ---- 撤回本人决定 ---------------------------------------------------------------------------------------------------


def last_line(contract: Contract) -> HistoryLine | None:
    return contract.history[-1] if contract.history else None


def is_own_decision(contract: Contract, person: User) -> bool:
    """Whether the last thing that happened is a decision of this person that may be taken back at all."""
    line = last_line(contract)
    return line is not None and line.by_id == person.id and line.before is not None


def made_the_last_move(contract: Contract, person: User) -> str | None:
    if is_own_decision(contract, person):
        return None
    if contract.is_classified:
        return "涉密合同的内容已经清除，不予受理的决定不能撤回。"
    return "只能由本人撤回自己刚作出的决定。"


def is_soon_enough(contract: Contract, person: User) -> str | None:
    if minutes_left(contract) > 0:
        return None
    return f"决定作出已超过 {int(setting('undo_minutes'))} 分钟，不能撤回。"


def minutes_left(contract: Contract) -> int:
    """How long the last decision may still be taken back; begun minutes count."""
    line = last_line(contract)
    if line is None or line.at is None:
        return 0
    left = line.at + timedelta(minutes=int(setting("undo_minutes"))) - now_utc()
    return max(-(-left // timedelta(minutes=1)), 0)


def nobody_went_on(contract: Contract, person: User) -> str | None:
    """Nothing was changed, typed, answered or brought since: the contract is still as the decision left it."""
    line = last_line(contract)
    if line is None or line.before is None:
        return None  # another guard speaks of it
    files = (moment for file in contract.attachments for moment in (file.uploaded_at, file.removed_at) if moment)
    touched = (
        contract.version != line.before["version"] + 1,  # the decision itself is one version
        any(typed.saved_at > line.at for typed in contract.inputs),
        any(moment > line.at for moment in files),
        any(item.reply for item in contract.open_corrections),
    )
    return "已经有人接着办理，不能撤回。" if any(touched) else None


def where_it_was(contract: Contract, answers: dict[str, Any]) -> Word:
    line = last_line(contract)
    assert line is not None
    return line.source


def put_back(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Restore what the decision wrote; what it asked of the applicant is asked no more. Both lines stay."""
    line = last_line(contract)
    assert line is not None
    assert line.before is not None
    contract.restore(line.before)
    if line.target is State.CORRECTION:
        contract.corrections = [item for item in contract.corrections if item.answered_at is not None]
    # Their ids were put back; the next who looks reads whom they name.
    names = ("type", "reviewed_by", "checked_by", "decided_by", "refusal", "non_acceptance")
    db.session.expire(contract, names)
    reindex([contract])


def minutes_in_words(contract: Contract) -> str:
    return f"（还剩 {minutes_left(contract)} 分钟）"


# ---- 归档 -----------------------------------------------------------------------------------------------------------


def archive_number(contract: Contract) -> Any:
    return ShortText(
        "归档号（盒号）",
        [DataRequired("填写归档号或盒号"), Length(max=60, message="归档号不超过 60 个字")],
        default=contract.archive_number,
    )


def archived_on(contract: Contract) -> Any:
    return DayField("归档日期", [DataRequired("填写归档日期")], default=contract.archived_on or today())


def checks_archive(form: Any) -> None:
    day = form.archived_on
    if day.data and day.data > today():
        day.errors = [*day.errors, f"归档日期不能晚于今天（{today()}）"]


def put_away(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.archive_number, contract.archived_on = answers["archive_number"], answers["archived_on"]


# ---- the moves -----------------------------------------------------------------------------------------------------

MOVES = [
    Move(
        name="extend",
        label="延长期限",
        done="期限已延长。",
        explains="情况复杂、不能按期办结的，写明理由延长。从原到期日起按工作日顺延，申报人会看到。",
        icon="calendar-plus",
        sources=BY_THE_CLOCK,
        roles=APPROVERS,
        asks={"days": extension_days, "reason": asks.reason},
        guards=(*DECIDING, guards.may_be_extended),
        effects=(extend_limit, effects.write_audit),
        may_be_undone=True,
        is_task=False,
    ),
    Move(
        name="undo",
        label="撤回本人决定",
        done="已撤回，恢复到决定之前。",
        explains="刚作的决定有误、还没有人接着办理的，可以撤回；合同恢复到决定之前，两次办理都留在办理经过里。",
        icon="arrow-90deg-left",
        sources=frozenset(
            {
                State.CORRECTION,
                State.NOT_ACCEPTED,
                State.ACCEPTED,
                State.REVIEWED,
                State.EXPERT,
                State.CHECKED,
                State.REFUSED,
            }
        ),
        targets={
            State.CORRECTION: frozenset({State.SUBMITTED, State.ACCEPTED, State.REVIEWED}),
            State.NOT_ACCEPTED: frozenset({State.SUBMITTED}),
            State.ACCEPTED: frozenset({State.SUBMITTED, State.REVIEWED, State.ACCEPTED}),
            State.REVIEWED: frozenset({State.ACCEPTED, State.CHECKED, State.EXPERT, State.REVIEWED}),
            State.EXPERT: frozenset({State.REVIEWED, State.EXPERT}),
            State.CHECKED: frozenset({State.REVIEWED, State.CHECKED}),
            State.REFUSED: frozenset({State.REVIEWED}),
        },
        leads_to=where_it_was,
        roles=OFFICE,
        asks={"reason": asks.reason},
        concerns=is_own_decision,
        guards=(*DECIDING, made_the_last_move, is_soon_enough, nobody_went_on),
        effects=(put_back, effects.write_audit),
        is_task=False,
        label_adds=minutes_in_words,
    ),
    Move(
        name="archive",
        label="归档",
        done="归档号已登记。",
        explains="办结的合同登记归档号（盒号）和日期；写错了再登记一次，以最后一次为准。",
        icon="archive",
        sources=CLOSED,
        roles=REGISTRARS,
        asks={"archive_number": archive_number, "archived_on": archived_on},
        checks=checks_archive,
        guards=DECIDING,
        effects=(put_away, effects.write_audit),
        is_task=False,
    ),
]
