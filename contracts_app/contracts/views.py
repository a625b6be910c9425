"""The pages of the contracts: lists, one contract, its files, and the one page on which every move is made."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from contracts_app.accounts.permissions import OFFICE, READERS, Can, may, needs
from contracts_app.core import conflicts
from contracts_app.core.clock import DayError, parse_day, today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused, Stale, sentence_of
from contracts_app.core.web.nav import has_page
from contracts_app.core.web.pages import number_from, url_with
from contracts_app.core.words import Word
from contracts_app.core.workflow import MoveForm, Offer
from contracts_app.rules.models import RuleSet
from contracts_app.rules.queries import setting

from . import amounts, course, filing_views
from .books.ledger import Cause
from .cases import pages as case_pages
from .cases.queue import OF_CASES
from .checking import checks
from .counting.totals import Sums, added, asked_tabs, sums_by_tab
from .deciding.asks import ItemList
from .desk import bulk, free_use, lists, reading
from .desk.due import Level, dues
from .desk.exports import MOST
from .desk.inbox import next_in_inbox
from .facts import details_in_words, type_in_words
from .filing import corrections
from .filing.actions import EDITABLE, why_not_edit
from .filing.attachments import versions
from .finding import queries
from .finding.filters import filter_form
from .finding.query import ContractQuery
from .models import Contract
from .states import IN_OFFICE, State
from .workflow import CONTRACT

bp = Blueprint("contracts", __name__, url_prefix="/contracts")
bp.add_app_template_filter(amounts.deduction_sentence, "reckoning")
bp.add_app_template_filter(amounts.foreign_in_words, "foreign_price")
bp.add_app_template_filter(amounts.free_use_in_words, "free_use")
bp.add_app_template_filter(amounts.royalty_in_words, "royalty")
bp.add_app_template_filter(corrections.words_of, "place")
bp.add_app_template_global(lists.amounts_of, "amounts_of")

Tabs = list[tuple[str, str, int | None, bool]]


# ---- 技术合同 -------------------------------------------------------------------------------------------------------


@bp.route("/")
@needs(Can.READ_CONTRACTS)
def index() -> str:
    """Every contract the person may see, narrowed by the address."""
    query = ContractQuery.from_args(request.args).known(current_user)
    form = filter_form(request, query, current_user)
    kept = {name: request.args[name] for name in ("sort", "size") if name in request.args}
    chosen = [
        (one.words, url_for(".index", **query.without(*one.names).to_args(), **kept))  # type: ignore[arg-type]
        for one in query.filters
    ]
    return render_template(
        "contracts/index.html",
        form=form,
        chosen=chosen,
        may_file=may(current_user, Can.FILE_CONTRACTS),
        most_rows=MOST,
        **_listed(query),
    )


@bp.route("/mine")
@needs(Can.FILE_CONTRACTS)
def mine() -> str:
    """What the person filed, and what is asked of them."""
    args = {name: request.args.get(name, "") for name in ("q", "state")}
    listed = _listed(ContractQuery.from_args({**args, "mine": "1"}))
    return render_template(
        "contracts/mine.html",
        asked=lists.open_corrections([row.id for row in listed["page"].rows]),
        editable=EDITABLE,
        free_uses=free_use.of_filer(current_user, today()),
        unfinished=[
            (state.label, part.contracts)
            for state, part in listed["by_state"].items()
            if state in EDITABLE and not listed["query"].states  # a tab of one state says its number already
        ],
        **listed,
    )


def _listed(query: ContractQuery) -> dict[str, Any]:
    """What both lists show: a page of rows, the tabs with their counts, and the sums of all that match."""
    by_tab = sums_by_tab(query, current_user)
    sums = added(by_tab[tab] for tab in asked_tabs(query) or by_tab if tab in by_tab)
    sort = lists.sort_of(request.args.get("sort"), query)
    number, size = number_from(request.args)
    page = lists.contracts(query, current_user, sort=sort, number=number, size=size, total=sums.rows)
    return {
        "query": query,
        "sort": sort,
        "page": page,
        "sums": sums,
        "on_page": _on_page(query, page.rows),
        "tabs": _tabs(query, by_tab),
        "by_state": by_tab,
        "dues": dues(),
        "in_office": _in_office(),
    }


def _on_page(query: ContractQuery, rows: Sequence[Any]) -> Sums:
    return Sums(
        len(rows),
        sum(row.counted for row in rows) if query.is_counted else len(rows),
        sum((row.total_amount for row in rows), Decimal(0)),
        sum((row.technology_amount for row in rows), Decimal(0)),
        *(sum((getattr(row, name) for row in rows), Decimal(0)) for name in _OF_MONEY if query.is_of_money),
    )


_OF_MONEY = ("verified_income", "received_amount")


def _tabs(query: ContractQuery, by_tab: dict[Word, Sums]) -> Tabs:
    """All, and each that occurs or is asked for: states, or of a year what was counted for which cause."""
    name, words = ("cause", Cause) if query.is_counted else ("state", State)
    asked = asked_tabs(query)
    tabs: Tabs = [("全部", url_with(**{name: None}, page=None), added(by_tab.values()).rows, not asked)]
    for word in words:
        if word in by_tab or asked == (word,):
            rows = by_tab[word].rows if word in by_tab else 0
            tabs.append((word.label, url_with(**{name: word.value}, page=None), rows, asked == (word,)))
    return tabs


# ---- 待办, 已办 -----------------------------------------------------------------------------------------------------


@bp.route("/inbox")
@needs(Can.WORK_INBOX)
def inbox() -> str:
    """What waits for this person, the most urgent first; or what they sent back and wait for."""
    tasks = lists.tasks(current_user, dues())
    waiting, waiting_amount = lists.sum_of(lists.waiting_for_applicants(current_user))
    step = next((state for state in State if state.value == request.args.get("step")), None)
    level = next((level for level in Level if level.value == request.args.get("due")), None)
    page = None
    if step is State.CORRECTION:
        page = lists.corrections(current_user, *number_from(request.args))
    shown = lists.Narrowed(step, level).of(tasks)
    return render_template(
        "contracts/inbox.html",
        tasks=tasks,
        shown=shown,
        by_level={one: len(lists.Narrowed(level=one).of(tasks)) for one in Level},
        level=level,
        tabs=_step_tabs(tasks, step, waiting),
        page=page,
        waiting_amount=waiting_amount,
        asked=lists.open_corrections([row.id for row in page.rows]) if page else {},
        free_uses=free_use.of_region(current_user, today()),
        aside=bulk.count(current_user),
        this_month=lists.decided_this_month(current_user),
        month=today().replace(day=1),
        amber_share=setting("amber_share"),
    )


def _step_tabs(tasks: list[lists.Task], step: State | None, waiting: int) -> Tabs:
    tabs: Tabs = [("全部", url_for(".inbox"), len(tasks), step is None)]
    labels = {state: moves[0].label for state in IN_OFFICE if (moves := lists.tasks_in(state, current_user))}
    for state in State:
        if state in labels:
            count = len(lists.Narrowed(state).of(tasks))
            if not count and state in OF_CASES and step is not state:
                continue  # cases are rare, and some wait only now and then for this person
            # one step of two states, such as 初核 of a change and of a cancellation: the state tells them apart
            is_shared = list(labels.values()).count(labels[state]) > 1
            label = f"{labels[state]}（{state.label}）" if is_shared else labels[state]
            tabs.append((label, url_for(".inbox", step=state.value), count, step is state))
    if current_user.roles & OFFICE:
        address = url_for(".inbox", step=State.CORRECTION.value)
        tabs.append(("等申请人补正", address, waiting, step is State.CORRECTION))
    return tabs


@bp.route("/done")
@needs(Can.WORK_INBOX)
def done() -> str:
    """What this person decided, the newest first."""
    days, faults = {}, {}
    for name in ("date_from", "date_to"):
        text = request.args.get(name, "").strip()
        try:
            days[name] = parse_day(text) if text else None
        except DayError as error:
            days[name], faults[name] = None, str(error)
    first, last = days["date_from"], days["date_to"]
    sums = lists.decided(current_user, first, last)
    number, size = number_from(request.args)
    page = lists.decisions(current_user, first, last, number=number, size=size, total=sums.decisions)
    return render_template(
        "contracts/done.html", page=page, sums=sums, faults=faults, moves=CONTRACT.moves, first=first, last=last
    )


# ---- one contract --------------------------------------------------------------------------------------------------


@bp.route("/<int:contract_id>")
@needs(Can.READ_CONTRACTS)
def show(contract_id: int) -> str | Response:
    """Everything about one contract. A draft is read where it is filled in."""
    contract = queries.one(contract_id, current_user)
    is_own = contract.filed_by_id == current_user.id
    if is_own and contract.state is State.DRAFT and has_page("filing.tasks"):
        return redirect(url_for("filing.tasks", contract_id=contract.id))
    return render_template(
        "contracts/show.html",
        is_own=is_own,
        is_reader=bool(current_user.roles & READERS),
        editable=EDITABLE,
        may_file=may(current_user, Can.FILE_CONTRACTS),
        steps=course.steps(contract),
        related=lists.earlier_of_parties(contract, current_user) if contract.seller_id else [],
        **_shown(contract),
    )


def _shown(contract: Contract) -> dict[str, Any]:
    """What the page of a contract and the page of a move both show."""
    submission = course.newest_submission(contract)
    rules = db.session.get(RuleSet, contract.rule_set_code) if contract.rule_set_code else None
    return {
        "contract": contract,
        "versions": versions(contract, current_user),
        "sheets": reading.main_sheets(contract),
        "offers": CONTRACT.offers(contract, current_user),
        "type_words": type_in_words(contract),
        "details_told": details_in_words(contract),
        "base_contract": queries.base_of(contract, current_user),
        "history": course.timeline(contract),
        "submission": submission,
        "revised": course.changed(submission) if submission else [],
        "is_unrevised": course.is_unrevised(submission),
        "due": dues()(_begun_at(contract), contract.due_on) if contract.state in _in_office() else None,
        "outcomes": corrections.outcomes(contract),
        "aside": bulk.standing(contract, current_user),
        "beside": corrections.beside_the_items(contract, submission),
        "cases": case_pages.cases_of(contract),
        "duplicates": _duplicates(contract),
        "rules": rules.name if rules else "",
    }


def _begun_at(contract: Contract) -> datetime | None:
    """From when the limit runs: the opening of the case that is open, else the newest submission."""
    case = contract.open_case
    return case.opened_at if case else contract.submitted_at


def _in_office() -> frozenset[Word]:
    """The states in which the office's clock runs."""
    return IN_OFFICE


def _duplicates(contract: Contract) -> Any:
    """Only the office looks for them."""
    return lists.possible_duplicates(contract, current_user) if current_user.roles & OFFICE else []


@bp.route("/<int:contract_id>/files/<int:file_id>")
@needs(Can.READ_CONTRACTS)
def file(contract_id: int, file_id: int) -> Response:
    """A file of a contract, to open or to save."""
    found = queries.attachment(contract_id, file_id, current_user)
    reading.tell(found)
    return reading.send(found)


file.talisman_view_options = {"content_security_policy": None}  # type: ignore[attr-defined]  # set above


# ---- every move ----------------------------------------------------------------------------------------------------

# The names of the moves stand in the address itself, so that other pages of a contract can have theirs.
_MOVE = f"/<int:contract_id>/<any({', '.join(CONTRACT.moves)}):move>"


@bp.route(_MOVE, methods=["GET", "POST"])
@needs(Can.READ_CONTRACTS)
def move(contract_id: int, move: str) -> str | Response | tuple[str, int]:
    """The page of one move. Who may make it, and when, is the workflow's business."""
    read = queries.one_to_change if request.method == "POST" else queries.one
    contract = read(contract_id, current_user)
    typed: course.Said = []
    try:
        if request.method == "POST":
            typed = course.typed(_form(move, contract))
        offer = CONTRACT.offer(move, contract, current_user)
        form = _typed_form(offer)
        if reasons := offer.reasons:
            if offer.move.target is State.SUBMITTED and not why_not_edit(contract, current_user):
                return filing_views.own_move_page(offer, form), Refused.status
            raise Refused(*reasons)
        if request.method == "POST" and not (form.version.raw_data and form.version.data == contract.version):
            raise Stale()
        if request.method == "POST" and "add_row" in request.form:
            _add_row(form)
        elif request.method == "POST" and case_pages.turns_rows(form):
            pass  # the page shows the list with a line more or less
        elif request.method == "POST" and "take" in request.form:
            _take_over(form, request.form["take"])
        elif form.validate_on_submit():
            offer.make(form.answers(), form.version.data)
            return _onwards(contract, move)
    except Refused as refused:
        return _conflict(contract_id, move, refused, typed)
    except StaleDataError:
        return _conflict(contract_id, move, Stale(), typed)
    except IntegrityError as error:
        return _conflict(contract_id, move, Refused(_sentence_of(error)), typed)
    if move in case_pages.NAMES:
        page = case_pages.move_page(offer, form, _shown(contract))
    else:
        page = (_move_page if lists.is_of_office(offer.move) else filing_views.own_move_page)(offer, form)
    return page, (422 if form.errors else 200)


def _form(name: str, contract: Contract) -> MoveForm:
    """The form of a move whatever the contract's state: to read what was typed."""
    return Offer(CONTRACT.moves[name], contract, current_user).form()


def _typed_form(offer: Offer) -> MoveForm:
    """The form as posted, or as it was settled between what was typed and what stands now."""
    if not conflicts.is_settled(request.form):
        return offer.form()
    return offer.form_of(conflicts.settle(request.form, offer.form_of(None)))


def _add_row(form: MoveForm) -> None:
    """One more line in the list a move asks for, without script."""
    for field in form:
        if hasattr(field, "append_entry") and len(field) < (field.max_entries or len(field) + 1):
            field.append_entry()


def _take_over(form: MoveForm, code: str) -> None:
    """A finding becomes an item of the list the move asks for."""
    found = next((one for one in checks.findings(form.record, today()) if one.code == code), None)
    for field in form:
        if found and isinstance(field, ItemList):
            field.take_over(found)


def _move_page(offer: Offer, form: MoveForm) -> str:
    contract = offer.record
    before, after = lists.neighbours(current_user, contract)
    found = checks.findings(contract, today())
    return render_template(
        "contracts/move.html",
        move=offer.move,
        takes_items=any(isinstance(field, ItemList) for field in form),
        form=form,
        found=found,
        readiness=checks.readiness(found),
        before=before,
        after=after,
        pictures=reading.PICTURES,
        **_shown(contract),
    )


def _onwards(contract: Contract, name: str) -> Response:
    """To the next in the queue after a decision of the office, else to the contract."""
    made = CONTRACT.moves[name]
    following = next_in_inbox(current_user, contract) if made.is_task and lists.is_of_office(made) else None
    label = contract.acceptance_number or contract.name
    if following is None:
        flash(made.done)
        return redirect(url_for(".show", contract_id=contract.id))
    flash(f"{label}：{made.done}下面是下一件。")
    return redirect(url_for(".next_step", contract_id=following))


@bp.route("/<int:contract_id>/next")
@needs(Can.WORK_INBOX)
def next_step(contract_id: int) -> Response:
    """To the move that is next for this contract, or to its page where this person has none."""
    contract = queries.one(contract_id, current_user)
    step = lists.next_step(contract, current_user)
    if step is None or Offer(step, contract, current_user).reasons:
        return redirect(url_for(".show", contract_id=contract_id))
    return redirect(url_for(".move", contract_id=contract_id, move=step.name))


def _conflict(contract_id: int, name: str, refused: Refused, typed: course.Said) -> tuple[str, int]:
    """What happened, how the contract stands now, and everything that was typed."""
    db.session.rollback()
    contract = queries.one(contract_id, current_user)
    made = contract.history[-1] if contract.history else None
    again = {}
    if isinstance(refused, Stale) and request.method == "POST":
        again = _mine_and_theirs(name, contract)
    page = render_template(
        "contracts/conflict.html",
        again=again,
        contract=contract,
        move=CONTRACT.moves[name],
        refused=refused,
        typed=typed,
        newest=course.timeline(contract)[0] if made else None,
        has_work=may(current_user, Can.WORK_INBOX),
        is_done_already=bool(made and made.move == name and made.by_id == current_user.id),
    )
    return page, int(refused.status)


def _mine_and_theirs(name: str, contract: Contract) -> dict[str, Any]:
    """What was typed beside what stands now, where the move can still be made; nothing where it cannot."""
    try:
        offer = CONTRACT.offer(name, contract, current_user)
    except Refused:
        return {}
    if offer.reasons:
        return {}
    now = offer.form_of(None)
    settled = conflicts.settle(request.form, now)
    return {
        "rows": conflicts.rows(offer.form_of(settled), now, request.form.get("base", "")),
        "carried": conflicts.carried(settled),
        "version": contract.version,
        "base": conflicts.base_of(now),
    }


def _sentence_of(error: IntegrityError) -> str:
    """What a broken constraint means to people; raises the error again where nobody has said."""
    if sentence := sentence_of(error):
        return sentence
    raise error
