"""履约: the pages on which the money of a contract is written down, read and verified."""

from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import READERS, Can, needs
from contracts_app.contracts.course import Entry
from contracts_app.contracts.finding import queries as contracts
from contracts_app.contracts.models import Contract
from contracts_app.core import money
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.web.pages import number_from
from contracts_app.regions.queries import units_under

from . import actions, queries, rights, room
from .forms import BenefitForm, ReasonForm, ReceiptForm, RoyaltyForm, VerificationForm
from .models import Verification
from .queries import Performance, performance_of
from .states import VerificationState
from .workflow import VERIFICATION

bp = Blueprint("tracking", __name__)
bp.add_app_template_global(performance_of)

_ONE = "/contracts/<int:contract_id>"


def _known(contract: Contract) -> Performance:
    found = performance_of(contract, current_user, whole=True)
    if found is None:
        raise Refused("合同登记以后才有履约跟踪。")
    return found


def _to_record(contract_id: int) -> Performance:
    """The contract's money, if this person may write something down about it; locked while it is written."""
    read = contracts.one_to_change if request.method == "POST" else contracts.one
    contract = read(contract_id, current_user)
    actions.refuse_record(contract, current_user)
    return _known(contract)


def _page(name: str, performance: Performance, form: Any = None, **more: Any) -> ResponseReturnValue:
    html = render_template(
        f"tracking/{name}.html",
        contract=performance.contract,
        performance=performance,
        form=form,
        is_reader=bool(current_user.roles & READERS),
        **more,
    )
    return html, 422 if form is not None and form.errors else 200


def _back(contract_id: int, place: str = "") -> ResponseReturnValue:
    return redirect(url_for("tracking.show", contract_id=contract_id, _anchor=place or None))


@bp.get(f"{_ONE}/performance")
@needs(Can.READ_CONTRACTS)
def show(contract_id: int) -> ResponseReturnValue:
    """Plan against receipts, royalties, verified income, benefits: everything about one contract's money."""
    return _page("show", _known(contracts.one(contract_id, current_user)), is_whole=True)


# ---- 到账 -----------------------------------------------------------------------------------------------------------


@bp.route(f"{_ONE}/receipts/new", methods=["GET", "POST"])
@needs(Can.TRACK)
def new_receipt(contract_id: int) -> ResponseReturnValue:
    """Write down money that came in."""
    performance = _to_record(contract_id)
    form = ReceiptForm(performance)
    if form.validate_on_submit():
        more = {"lines": form.chosen, "royalty": form.royalty, "slip": form.slip.data}
        try:
            made = actions.record_receipt(performance.contract, current_user, form.answers(), **more)
        except FileRefused as refused:
            form.slip.errors = [str(refused)]
        else:
            flash(f"已登记到账 {money.yuan(made.amount)} 元。")
            if made.counts_on != made.received_on:
                flash(f"{made.received_on} 所在期间已经封账，这笔到账计入 {made.counts_on}。", "warn")
            if (over := performance.over + _over(performance, made.amount)) > 0:
                flash(f"累计到账超过应收 {money.yuan(over)} 元；价款有变化的申请变更登记。", "warn")
            return _back(contract_id, "receipts")
    return _page("receipt", performance, form)


def _over(performance: Performance, amount: Any) -> Any:
    """元 by which this much more is beyond what may come in, less what already was."""
    after = performance.received + amount - performance.expected
    return max(after, 0) - performance.over


@bp.route(f"{_ONE}/receipts/<int:receipt_id>/strike", methods=["GET", "POST"])
@needs(Can.TRACK)
def strike_receipt(contract_id: int, receipt_id: int) -> ResponseReturnValue:
    """Take a receipt back."""
    performance = _to_record(contract_id)
    receipt = queries.receipt(performance.contract, receipt_id)
    if sentence := actions.why_not_strike(receipt):
        raise Refused(sentence)
    form = ReasonForm()
    if form.validate_on_submit():
        actions.strike_receipt(performance.contract, receipt, current_user, form.reason.data)
        flash(f"已冲销 {receipt.received_on} 到账的 {money.yuan(receipt.amount)} 元。")
        return _back(contract_id, "receipts")
    told = f"{receipt.received_on} 到账 {money.yuan(receipt.amount)} 元，付款单位 {receipt.payer or '未填'}"
    explains = "冲销后这笔到账不再计入，原记录和冲销都保留。金额写错的，冲销后重新登记。"
    return _page("reason", performance, form, title="冲销到账", told=told, explains=explains)


# ---- 提成 -----------------------------------------------------------------------------------------------------------


@bp.route(f"{_ONE}/royalties/new", methods=["GET", "POST"])
@needs(Can.TRACK)
def new_royalty(contract_id: int) -> ResponseReturnValue:
    """A year's statement; ``go=reckon`` only shows what it comes to."""
    performance = _to_record(contract_id)
    if not (performance.contract.payment_model and performance.contract.payment_model.has_royalty):
        raise Refused("这份合同没有约定提成；付款方式有变化的申请变更登记。")
    form = RoyaltyForm(performance)
    if form.validate_on_submit() and request.form.get("go") != "reckon":
        made = actions.record_royalty(performance.contract, current_user, form.answers())
        flash(f"已登记 {made.year} 年提成报告，应付 {money.yuan(made.amount)} 元。")
        return _back(contract_id, "royalties")
    return _page("royalty", performance, form)


@bp.route(f"{_ONE}/royalties/<int:royalty_id>/withdraw", methods=["GET", "POST"])
@needs(Can.TRACK)
def withdraw_royalty(contract_id: int, royalty_id: int) -> ResponseReturnValue:
    """Take a statement back."""
    performance = _to_record(contract_id)
    statement = queries.royalty(performance.contract, royalty_id)
    form = ReasonForm(data={"version": statement.version})
    if form.validate_on_submit():
        actions.withdraw_royalty(performance.contract, statement, current_user, form.reason.data, form.version.data)
        flash(f"{statement.year} 年提成报告已作废。")
        return _back(contract_id, "royalties")
    told = f"{statement.year} 年提成报告，应付 {money.yuan(statement.amount)} 元"
    explains = "作废后不再应付，记录保留；改好后重新登记。"
    return _page("reason", performance, form, title="作废提成报告", told=told, explains=explains)


# ---- 优惠 -----------------------------------------------------------------------------------------------------------


@bp.route(f"{_ONE}/benefits/new", methods=["GET", "POST"])
@needs(Can.TRACK)
def new_benefit(contract_id: int) -> ResponseReturnValue:
    """Write down what was drawn on the registration."""
    performance = _to_record(contract_id)
    form = BenefitForm()
    if form.validate_on_submit():
        actions.record_benefit(performance.contract, current_user, form.answers())
        flash("已登记享受的优惠。")
        return _back(contract_id, "benefits")
    return _page("benefit", performance, form)


@bp.route(f"{_ONE}/benefits/<int:benefit_id>/withdraw", methods=["GET", "POST"])
@needs(Can.TRACK)
def withdraw_benefit(contract_id: int, benefit_id: int) -> ResponseReturnValue:
    """Take a line back."""
    performance = _to_record(contract_id)
    benefit = queries.benefit(performance.contract, benefit_id)
    form = ReasonForm(data={"version": benefit.version})
    if form.validate_on_submit():
        actions.withdraw_benefit(performance.contract, benefit, current_user, form.reason.data, form.version.data)
        flash("这一条优惠已作废。")
        return _back(contract_id, "benefits")
    told = f"{benefit.claimed_on} {benefit.party.label} {benefit.kind.name}"
    return _page("reason", performance, form, title="作废优惠记录", told=told, explains="作废后记录保留，标明作废。")


# ---- 核定 -----------------------------------------------------------------------------------------------------------


@bp.route(f"{_ONE}/verifications/new", methods=["GET", "POST"])
@needs(Can.TRACK)
def new_verification(contract_id: int) -> ResponseReturnValue:
    """Ask for the verification of what came in."""
    performance = _to_record(contract_id)
    free = room.free_receipts(performance.receipts, performance.verifications)
    if performance.contract.filed_by_id != current_user.id:
        raise NotYours("核定由申报人申请。")
    if not free:
        raise Refused("没有可以申请核定的到账：先登记到账，或者等在办的申请办结。")
    return _fill_in(performance, VerificationForm(free))


@bp.route(f"{_ONE}/verifications/<int:verification_id>/edit", methods=["GET", "POST"])
@needs(Can.TRACK)
def edit_verification(contract_id: int, verification_id: int) -> ResponseReturnValue:
    """Revise a draft, also one that was sent back."""
    performance = _to_record(contract_id)
    draft = queries.verification(performance.contract, verification_id)
    if performance.contract.filed_by_id != current_user.id:
        raise NotYours("核定由申报人申请。")
    if draft.state is not VerificationState.DRAFT:
        raise Refused(f"这份核定申请现在是“{draft.state.label}”，不能再改。")
    free = room.free_receipts(performance.receipts, performance.verifications, draft)
    return _fill_in(performance, VerificationForm(free, draft), draft)


def _fill_in(
    performance: Performance, form: VerificationForm, draft: Verification | None = None
) -> ResponseReturnValue:
    if form.validate_on_submit():
        contract = performance.contract
        submits = request.form.get("go") != "save"
        income = form.income
        if submits and (too_much := room.why_too_much(contract, income, draft)):
            form.form_errors.append(too_much)
        else:
            args = (form.chosen, form.deductions, form.answers(), draft, form.version.data)
            made = actions.request_verification(contract, current_user, *args)
            if submits:
                offer = VERIFICATION.offer("submit", made, current_user)
                offer.make({})
            flash(VERIFICATION.moves["submit"].done if submits else "草稿已保存，还没有提交。")
            return redirect(url_for(".verification", contract_id=contract.id, verification_id=made.id))
    return _page("request", performance, form, draft=draft)


@bp.get(f"{_ONE}/verifications/<int:verification_id>")
@needs(Can.READ_CONTRACTS)
def verification(contract_id: int, verification_id: int) -> ResponseReturnValue:
    """One request: what is asked, on what evidence, how it was decided."""
    performance = _known(contracts.one(contract_id, current_user))
    return _verification_page(performance, queries.verification(performance.contract, verification_id))


_STEP = f"any({', '.join(VERIFICATION.moves)})"


@bp.route(f"{_ONE}/verifications/<int:verification_id>/<{_STEP}:step>", methods=["GET", "POST"])
@needs(Can.READ_CONTRACTS)
def verification_move(contract_id: int, verification_id: int, step: str) -> ResponseReturnValue:
    """The page of one move. Who may make it, and when, is the workflow's business."""
    read = contracts.one_to_change if request.method == "POST" else contracts.one
    performance = _known(read(contract_id, current_user))
    asked = queries.verification(performance.contract, verification_id)
    offer = VERIFICATION.offer(step, asked, current_user)
    form = offer.form()
    if offer.reasons:
        raise Refused(*offer.reasons)
    if request.method == "POST" and not (form.version.raw_data and form.version.data == asked.version):
        raise Stale()
    if form.validate_on_submit():
        offer.make(form.answers(), form.version.data)
        flash(offer.move.done)
        return redirect(url_for(".verification", contract_id=contract_id, verification_id=asked.id))
    return _verification_page(performance, asked, offer.move, form)


def _verification_page(
    performance: Performance, asked: Verification, move: Any = None, form: Any = None
) -> ResponseReturnValue:
    return _page(
        "verification",
        performance,
        form,
        asked=asked,
        move=move,
        offers=VERIFICATION.offers(asked, current_user),
        history=_told(asked),
        beyond=room.beyond_price(performance.contract, asked.amount, asked)
        if rights.is_price_open(performance.contract)
        else 0,
    )


def _told(asked: Verification) -> list[Entry]:
    """The way of the request, the newest move first."""
    return [
        Entry(
            VERIFICATION.moves[line.move].label,
            line.at,
            f"{line.by.name}（{line.role}{f'，代{line.for_whom.name}办理' if line.for_whom else ''}）",
            f"{line.source.label} → {line.target.label}",
            "warn" if line.target in (VerificationState.REFUSED, VerificationState.REVOKED) else "",
            [(label, words(line.answers[name])) for name, label, words in _ANSWERS if name in line.answers],
        )
        for line in reversed(asked.history)
    ]


_ANSWERS: tuple[tuple[str, str, Any], ...] = (
    ("checked_amount", "核定额", lambda amount: f"{money.yuan(Decimal(amount))} 元"),
    ("opinion", "意见", str),
    ("reason", "理由", str),
)


# ---- lists ---------------------------------------------------------------------------------------------------------


@bp.get("/overdue")
@needs(Can.READ_CONTRACTS)
def overdue() -> str:
    """逾期未到账: what should have come in by now."""
    offered = units_under(current_user.region) if current_user.roles & READERS else []
    unit = next((one for one in offered if one.code == request.args.get("unit")), None)
    number, size = number_from(request.args)
    found = queries.overdue(current_user, unit=unit.code if unit else None, number=number, size=size)
    return render_template("tracking/overdue.html", found=found, page=found.page, units=offered, unit=unit)


@bp.get("/verifications")
@needs(Can.VERIFY_INCOME)
def inbox() -> str:
    """核定待办: requests that wait for this person."""
    waiting = queries.waiting(current_user)
    return render_template("tracking/inbox.html", waiting=waiting, steps=_next_step)


def _next_step(asked: Verification) -> Any:
    """The move that is next for a request: the primary one of its state."""
    moves = (one for one in VERIFICATION if asked.state in one.sources and one.tone == "primary")
    return next(moves, None) or abort(404)
