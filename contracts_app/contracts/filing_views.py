"""Filing: a task list and one page for each part, by a broker for the seller or by a registrar at the counter."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from contracts_app.accounts.entrance.signing_in import parked
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.core import conflicts
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.errors import PAGES, Refused, Stale
from contracts_app.core.errors import page as error_page
from contracts_app.core.keeping.files import ACCEPT, size_label
from contracts_app.core.web.limits import uploads
from contracts_app.core.workflow import MoveForm, Offer
from contracts_app.enterprises import queries as enterprises
from contracts_app.enterprises.fields import EnterpriseField
from contracts_app.regions.queries import office_of as office_in_charge

from .checking.checks import Finding, Level, Section, findings, readiness
from .facts import LABELS, changed_since_submission
from .filing import actions, typed
from .filing.attachments import UploadForm, limit_bytes, papers_of, told, versions
from .filing.corrections import outcomes
from .filing.forms import PARTS
from .filing.parts import PartForm
from .filing.rights import answered
from .filing.steps import Step, asked_of, step_of
from .filing.summary import control, parts_of
from .filing.typed import Seen
from .finding import queries
from .models import Attachment, Contract, CorrectionItem, new_mark
from .questions import topics_of
from .states import State
from .workflow import CONTRACT

bp = Blueprint("filing", __name__, url_prefix="/contracts")

LISTS = {"plan": "payments", "rights": "rights", "deduction": "deductions"}  # whose lines buttons add and remove
SECTIONS = {section.value: section for section in Section}
EXPIRED = "登录已过期，你填的内容都还在。核对后再保存。"


# ---- starting, copying, throwing away ------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
@needs(Can.FILE_CONTRACTS)
def new() -> ResponseReturnValue:
    """Asks whether the contract is classified, says what will be needed; one button makes the draft."""
    is_answered = request.form.get("is_classified") == "no"
    if request.method == "POST" and is_answered:
        contract = actions.begin(current_user)
        return redirect(url_for(".part", contract_id=contract.id, section=Section.PARTIES.value))
    asks_again = request.method == "POST"
    html = render_template("contracts/filing/new.html", limit=_limit(), asks_again=asks_again)
    return html, 422 if asks_again else 200


@bp.get("/new/classified")
@needs(Can.FILE_CONTRACTS)
def classified() -> str:
    """Nothing of a classified contract is entered here: where to take the paper."""
    return render_template("contracts/filing/classified.html", office=office_in_charge(current_user.region))


@bp.route("/<int:contract_id>/copy", methods=["POST"])
@needs(Can.FILE_CONTRACTS)
def copy(contract_id: int) -> ResponseReturnValue:
    """A new draft after an earlier contract of the same person."""
    draft = actions.copy(queries.one(contract_id, current_user), current_user)
    flash("已按原合同新建草稿：当事人、类型、技术信息和付款方式已带过来，金额、日期和附件重新填写。")
    return redirect(url_for(".tasks", contract_id=draft.id))


@bp.route("/<int:contract_id>/discard", methods=["GET", "POST"])
@needs(Can.FILE_CONTRACTS)
def discard(contract_id: int) -> ResponseReturnValue:
    """Throw a draft away, after asking."""
    contract = _to_fill_in(contract_id)
    if contract.state is not State.DRAFT or contract.history:
        raise Refused("提交过的合同不能删除，只能撤回。")
    if request.method == "POST":
        name = contract.name
        actions.discard(contract, current_user)
        flash(f"已删除草稿：{name}。")
        return redirect(url_for("contracts.mine"))
    return render_template("contracts/filing/discard.html", contract=contract)


# ---- the task list -------------------------------------------------------------------------------------------------


@bp.route("/<int:contract_id>/fill")
@needs(Can.FILE_CONTRACTS)
def tasks(contract_id: int) -> ResponseReturnValue:
    contract = _to_fill_in(contract_id)
    return render_template("contracts/filing/tasks.html", **_around(contract))


def _to_fill_in(contract_id: int) -> Contract:
    """The contract, if it is this person's to fill in now; 404, or the reason why not."""
    contract = queries.one(contract_id, current_user)
    actions.refuse_edit(contract, current_user)
    return contract


def _around(
    contract: Contract, now: Section | None = None, faults: int = 0, *, checking: bool = False
) -> dict[str, Any]:
    """What every page of the filing shows around its form. ``faults`` are those of the part just sent."""
    found = findings(contract, today())
    steps = [
        step_of(
            contract,
            section,
            found,
            _url_of(contract, section),
            is_now=section is now,
            faults=faults if section is now else 0,
        )
        for section in Section
    ]
    ready = sum(step.is_ready for step in steps)
    done = sum(step.state == "done" for step in steps)
    url = url_for("filing.check", contract_id=contract.id)
    steps.append(
        Step(
            "核对并提交",
            url,
            "doing" if ready == len(Section) else "open",
            "可以提交" if ready == len(Section) else "还不能提交",
            checking,
            ready == len(Section),
        )
    )
    return {
        "contract": contract,
        "steps": steps,
        "progress": f"{len(Section)} 步完成 {done} 步",
        "is_ready": ready == len(Section),
        "readiness": readiness(found),
        "found": found,
        "first_open": next((step for step in steps if step.state != "done"), steps[-1]),
        "is_correction": contract.state is State.CORRECTION,
        "asked": asked_of(contract, now),
        "asked_url": lambda item: _place_url(contract, item),
        "section_url": lambda value: _url_of(contract, SECTIONS[value]),
    }


def _url_of(contract: Contract, section: Section) -> str:
    if section is Section.FILES:
        return url_for("filing.files", contract_id=contract.id)
    return url_for("filing.part", contract_id=contract.id, section=section.value)


def _place_url(contract: Contract, item: CorrectionItem) -> str:
    """Where an item of a correction is put right: the very control, else the part."""
    section = SECTIONS[item.section]
    anchor = f"#{control(item.field, section)}" if item.field and section is not Section.FILES else ""
    return f"{_url_of(contract, section)}{anchor}"


def _mending_url(contract: Contract, finding: Finding) -> str:
    """Where a finding is mended: the very control; of what a party leaves blank, its page in the register and back."""
    if finding.party_id:
        return _blanks_url(finding.party_id, url_for("filing.check", contract_id=contract.id))
    return f"{_url_of(contract, finding.section)}#{control(finding.field, finding.section)}"


def _blanks_url(party_id: int, back: str) -> str:
    return url_for("enterprises.edit", enterprise_id=party_id, next=back)


def _next(contract: Contract, section: Section) -> Section:
    """The part after this one, leaving out what the type does not ask."""
    order = list(Section)
    after = order[order.index(section) + 1]
    return after if after is not Section.DETAILS or topics_of(contract) else _next(contract, after)


# ---- one part ------------------------------------------------------------------------------------------------------


@bp.route("/<int:contract_id>/fill/<section>", methods=["GET", "POST"])
@needs(Can.FILE_CONTRACTS)
def part(contract_id: int, section: str) -> ResponseReturnValue:
    """One part of the filing: shown as typed last, saved when right, kept as typed when not."""
    which = _section(section)
    if request.method == "GET":
        return _open_part(_to_fill_in(contract_id), which)
    typed.hold(contract_id)
    contract = _to_fill_in(contract_id)
    posted: MultiDict[str, str] = request.form
    if conflicts.is_settled(posted):
        posted = conflicts.settle(posted, _standing(contract, which))
    form = PARTS[which](contract, current_user, posted)
    go = request.form.get("go", "next")
    if go.startswith(("find:", *(f"{name}-" for name in LISTS))):
        return _help_with(form, go)
    faults = _look(form)
    try:
        if go.startswith("new:"):
            return _add_enterprise(form, go.removeprefix("new:"), posted, faults)
        if faults:
            return _keep_draft(form, posted, faults) if go == "draft" else _show_faults(form, posted)
        return _save(form, go)
    except Stale as stale:
        db.session.rollback()
        return _mine_and_theirs(form, go, posted, stale)


def _section(name: str) -> Section:
    return next((one for one in PARTS if one.value == name), None) or abort(404)


def _fields(posted: MultiDict[str, str]) -> str:
    """What was posted, as it is kept."""
    return urlencode(conflicts.carried(posted))


def _standing(contract: Contract, section: Section) -> PartForm:
    """The part as it stands: what was typed into it last and waits, else what the contract says."""
    there = typed.typed_into(contract, section)
    if there is None:
        return PARTS[section](contract, current_user)
    form = PARTS[section](contract, current_user, MultiDict(parse_qsl(there.fields, keep_blank_values=True)))
    form.version.raw_data, form.version.data = None, contract.version
    return form


def _open_part(contract: Contract, section: Section) -> ResponseReturnValue:
    handed_back = parked(current_user, request.args.get("parked", type=int), request.path)
    there = typed.typed_into(contract, section)
    if handed_back:
        answers = MultiDict(parse_qsl(handed_back.fields, keep_blank_values=True))
        form, seen = PARTS[section](contract, current_user, answers), Seen.of(answers)
    else:
        form = _standing(contract, section)
        seen = Seen(base=conflicts.base_of(form), kept=there.stamp if there else "")
    if handed_back or there:
        _take_chosen(form)
        _look(form)
    chosen = _take_chosen(form)
    notes = [(EXPIRED, "warn")] if handed_back else []
    if chosen:
        notes.append((f"已选用：{chosen.name}。填好其余各项后保存。", "ok"))
    saved = f"{local(there.saved_at):%H:%M} 已存草稿" if there and not handed_back else ""
    return _part_page(form, seen, saved=saved, notes=notes)


def _take_chosen(form: PartForm) -> Any:
    """The enterprise just added or picked on another page goes into the field it was wanted for."""
    name, key = request.args.get("put", ""), request.args.get("chosen", type=int)
    field = form._fields.get(name)
    chosen = enterprises.known(key)
    if not isinstance(field, EnterpriseField) or chosen is None:
        return None
    field.choose(chosen)
    field.errors = []
    form.follow()
    return chosen


def _look(form: PartForm) -> int:
    """Check the answers one by one and then together; puts the sentences on the fields and counts them."""
    form.validate()
    form.show(actions.look_at(form.contract, form.section, form.answers()))
    return form.faults


def _help_with(form: PartForm, go: str) -> ResponseReturnValue:
    """What scripts do in the page, done here for those without: look up a party, add or remove a line of a list."""
    what, _, name = go.partition(":")
    if what == "find" and name in form and isinstance(form[name], EnterpriseField):
        form[name].look_up()
        if form[name].typed and not form[name].hits and not form[name].chosen:
            form[name].errors = [f"没有找到“{form[name].typed}”，换一个字查找，或者新增单位"]
    elif (lines := LISTS.get(what.partition("-")[0])) and lines in form:
        _change_lines(form[lines], what, name)
    return _part_page(form, Seen.of(request.form))


def _change_lines(lines: Any, what: str, place: str) -> None:
    """One line more, or that line less; one always stays to be filled in."""
    if what.endswith("-remove") and place.isdecimal() and int(place) < len(lines):
        lines.pop_entry(int(place))
    if what.endswith("-add") or not len(lines):
        lines.append_entry()


def _add_enterprise(form: PartForm, name: str, posted: MultiDict[str, str], faults: int) -> ResponseReturnValue:
    """To the page that adds an enterprise, keeping what was typed here, and back."""
    if name not in form or not isinstance(form[name], EnterpriseField):
        abort(400)
    _keep(form, posted, faults)
    back = url_for(".part", contract_id=form.contract.id, section=form.section.value, put=name)
    return redirect(url_for("enterprises.new", next=back, name=form[name].typed))


def _keep(form: PartForm, posted: MultiDict[str, str], faults: int) -> Seen:
    """Keep what was typed, unless another page has come before; raises ``Stale`` then."""
    contract, section, seen = form.contract, form.section, Seen.of(posted)
    typed.refuse_stale(contract, section, seen, conflicts.base_of(PARTS[section](contract, current_user)))
    stamp = typed.keep(contract, section, _fields(posted), faults, seen.window)
    return replace(seen, kept=stamp)


def _keep_draft(form: PartForm, posted: MultiDict[str, str], faults: int) -> ResponseReturnValue:
    _keep(form, posted, faults)
    flash(f"草稿已保存。这一部分还有 {faults} 处要填好，不着急，可以以后再改。", "info")
    return redirect(_url_of(form.contract, form.section))


def _show_faults(form: PartForm, posted: MultiDict[str, str]) -> ResponseReturnValue:
    """The page again with every sentence; what was typed is kept too, should the person leave now."""
    key, faults = form.contract.id, form.faults
    db.session.rollback()
    with unit_of_work():
        typed.hold(key)
        form.contract = _to_fill_in(key)
        seen = _keep(form, posted, faults)
    form.contract = queries.one(key, current_user)
    return _part_page(form, seen), 422


def _save(form: PartForm, go: str) -> ResponseReturnValue:
    contract, section = form.contract, form.section
    had = answered(contract)
    seen = form.version.data if form.version.raw_data else None
    typed.refuse_unknown(contract, section, Seen.of(request.form))
    found = actions.fill_in(contract, section, form.answers(), current_user, seen or 0)
    flash(f"已保存：{section.label}。")
    if form.followed:
        flash(form.followed, "info")
    if section is not Section.DETAILS and (gone := [LABELS[name] for name in had if name not in answered(contract)]):
        flash(f"“{Section.DETAILS.label}”里现在不再问的已经清空：{'、'.join(gone)}。", "warn")
    for warning in found:
        flash(f"{section.label}：{warning.sentence}。已经核对过的，不用改。", "warn")
    if go == "next":
        return redirect(_url_of(contract, _next(contract, section)))
    if go == "back":
        return redirect(url_for(".tasks", contract_id=contract.id))
    return redirect(_url_of(contract, section))


def _mine_and_theirs(form: PartForm, go: str, posted: MultiDict[str, str], stale: Stale) -> ResponseReturnValue:
    """Field by field what was typed here and what another window saved meanwhile, to choose from and save at once."""
    contract, section = queries.one(form.contract.id, current_user), form.section
    now, there = _standing(contract, section), typed.typed_into(contract, section)
    page = render_template(
        "contracts/filing/conflict.html",
        section=section,
        number=list(Section).index(section) + 1,
        reasons=stale.reasons,
        rows=conflicts.rows(form, now, posted.get("base", "")),
        carried=conflicts.carried(posted),
        seen=Seen(contract.version, conflicts.base_of(now), there.stamp if there else ""),
        saved_at=there.saved_at if there else contract.updated_at,
        go=go,
        **_around(contract, section),
    )
    return page, Stale.status


def _part_page(form: PartForm, seen: Seen, *, saved: str = "", notes: Sequence[tuple[str, str]] = ()) -> str:
    """The page of one part; ``seen`` is what the person is shown, or was."""
    contract, section = form.contract, form.section
    order = list(Section)
    place = order.index(section)
    warnings = [one for one in findings(contract, today(), section) if one.level is Level.WARNING]
    for item in asked_of(contract, section):
        if item.field in form:
            form[item.field].marks = [*getattr(form[item.field], "marks", []), f"登记机构要求：{item.request}"]
    office = None
    if section is Section.PARTIES:
        office = actions.office_of(form["seller_id"].chosen, form["buyer_id"].chosen)
    return render_template(
        f"contracts/filing/{section.value}.html",
        form=form,
        seen=replace(seen, window=seen.window or new_mark()),
        section=section,
        number=place + 1,
        next_label=_next(contract, section).label,
        autosave_url=url_for(".autosave", contract_id=contract.id, section=section.value),
        warnings=warnings if not form.faults else [],
        saved=saved,
        notes=notes,
        office=office,
        blanks_url=lambda party: _blanks_url(party.id, _url_of(contract, section)),
        base_contract=queries.base_of(contract, current_user) if section is Section.DETAILS else None,
        **_around(contract, section, form.faults),
    )


@bp.route("/<int:contract_id>/fill/<section>/autosave", methods=["POST"])
@needs(Can.FILE_CONTRACTS)
def autosave(contract_id: int, section: str) -> ResponseReturnValue:
    """Keep a part as typed, right or not; never an answer of the contract, so never its version.

    What says the same as the contract already is not kept: a save may have overtaken this one on its way.
    """
    typed.hold(contract_id)
    contract = _to_fill_in(contract_id)
    form = PARTS[_section(section)](contract, current_user, request.form)
    faults = _look(form)
    try:
        if not faults and form.says_nothing_new():
            typed.refuse_unknown(contract, form.section, Seen.of(request.form))
            typed.forget(contract, form.section)
        else:
            _keep(form, request.form, faults)
    except Stale as stale:
        return jsonify(message=typed.NOT_AUTOSAVED), stale.status
    return jsonify(saved=f"{local(now_utc()):%H:%M}", faults=faults)


# ---- files ---------------------------------------------------------------------------------------------------------


@bp.route("/<int:contract_id>/fill/files", methods=["GET", "POST"])
@needs(Can.FILE_CONTRACTS)
@uploads
def files(contract_id: int) -> ResponseReturnValue:
    """The files: a list of what is needed, what is there, and a form of its own to add some."""
    contract = _to_fill_in(contract_id)
    if request.method == "GET":
        if parked(current_user, request.args.get("parked", type=int), request.path):
            flash("登录已过期，刚才选的文件没有上传。重新选择后上传。", "warn")
        replaces = request.args.get("replace")
        return _files_page(contract, UploadForm(replaces=_current_file(contract, replaces) if replaces else None))
    go = request.form.get("go", "upload")
    if go.startswith("remove:"):
        return _remove_file(contract, go.removeprefix("remove:"))
    replaces = request.form.get("replaces")
    form = UploadForm(request.form, replaces=_current_file(contract, replaces) if replaces else None)
    uploads = request.files.getlist("files")
    with unit_of_work():  # what can be taken is kept, whatever else of the same choice is refused
        taken = form.take(contract, uploads, current_user)
    for upload in uploads:
        upload.close()
    if taken:
        flash(f"已上传：{'、'.join(told(contract, file) for file in taken)}。")
        for file in taken:
            if file.unreadable:
                flash(f"{file.file_name}：{file.unreadable.label}。登记机构打不开的，会要求补正。", "warn")
    if form.errors:
        return _files_page(queries.one(contract_id, current_user), form), 422
    return redirect(_url_of(contract, Section.FILES))


def _current_file(contract: Contract, key: str) -> Attachment:
    """The file of that id, while it counts."""
    file = next((one for one in contract.current_attachments if str(one.id) == key), None)
    if file is None:
        raise Refused("这个文件已经不在清单里了，重新打开附件页看最新的清单。")
    return file


def _remove_file(contract: Contract, key: str) -> ResponseReturnValue:
    file = _current_file(contract, key)
    actions.remove(contract, file, current_user)
    flash(f"已删除：{file.file_name}。")
    return redirect(_url_of(contract, Section.FILES))


def _files_page(contract: Contract, form: UploadForm) -> str:
    papers = papers_of(contract)
    if form.kind_code.data is None:
        form.suggest(papers, request.args.get("kind"))
    warnings = [one for one in findings(contract, today(), Section.FILES) if one.level is Level.WARNING]
    return render_template(
        "contracts/filing/files.html",
        form=form,
        section=Section.FILES,
        number=len(Section),
        papers=papers,
        shown={one.file.id: one for one in versions(contract, current_user)},
        kinds=ACCEPT.replace(".", "").replace(",", " "),
        limit=_limit(),
        limit_mb=limit_bytes() // (1024 * 1024),
        warnings=warnings,
        **_around(contract, Section.FILES),
    )


def _limit() -> str:
    return size_label(limit_bytes()).replace(".0 ", " ")


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A request too large to be read at all is answered on the page of the files, where the others still are."""
    if request.endpoint != "filing.files" or not may(current_user, Can.FILE_CONTRACTS):
        return _too_large_page()
    try:
        contract = _to_fill_in((request.view_args or {})["contract_id"])
    except (Refused, HTTPException):
        return _too_large_page()
    form = UploadForm()
    form.files.errors = [f"这次选的文件太大，没有上传。单个文件不超过 {_limit()}，压缩扫描件或拆成几个后重新选择。"]
    return _files_page(contract, form), 413


def _too_large_page() -> ResponseReturnValue:
    heading, sentence = PAGES[413]
    return error_page(413, heading, [sentence.format(limit=limit_bytes() // (1024 * 1024))])


# ---- check answers -------------------------------------------------------------------------------------------------


@bp.route("/<int:contract_id>/fill/check")
@needs(Can.FILE_CONTRACTS)
def check(contract_id: int) -> ResponseReturnValue:
    """Everything that was filled in, what is still to be done, and the move that hands it in."""
    contract = _to_fill_in(contract_id)
    offer = CONTRACT.offer("submit" if contract.state is State.DRAFT else "resubmit", contract, current_user)
    return own_move_page(offer, offer.form())


@bp.route("/<int:contract_id>/fill/replies", methods=["POST"])
@needs(Can.FILE_CONTRACTS)
def replies(contract_id: int) -> ResponseReturnValue:
    """Keep the answers to the items of a correction as far as they are written; they are handed in with the move."""
    typed.hold(contract_id)
    offer = CONTRACT.offer("resubmit", _to_fill_in(contract_id), current_user)
    is_script = request.accept_mimetypes.best == "application/json"
    stands, posted = offer.form_of(None), MultiDict(request.form)
    if conflicts.is_settled(posted):
        posted = conflicts.settle(posted, stands)
    if posted.get("base") != conflicts.base_of(stands):
        if is_script:
            return jsonify(message=typed.NOT_AUTOSAVED), Stale.status
        form = offer.form_of(posted)
        return conflicts.page(Stale(typed.ANSWERED_ELSEWHERE), form, offer.form_of, "逐项答复")
    actions.keep_replies(offer.record, posted)
    if is_script:
        return jsonify(saved=f"{local(now_utc()):%H:%M}", base=conflicts.base_of(offer.form_of(None)))
    flash("答复的草稿已保存，改好各部分后再提交。", "info")
    return redirect(url_for(".check", contract_id=contract_id))


def own_move_page(offer: Offer, form: MoveForm) -> str:
    """The page of a move of the filer's: all there is to check where it hands in, the move alone otherwise."""
    contract = offer.record
    if offer.move.target is not State.SUBMITTED:
        is_editable = contract.state in actions.EDITABLE
        return render_template(
            "contracts/filing/move.html", offer=offer, form=form, is_editable=is_editable, **_around(contract)
        )
    found = findings(contract, today())
    waiting = {one.section: one for one in contract.inputs}
    return render_template(
        "contracts/filing/check.html",
        offer=offer,
        form=form,
        reasons=offer.reasons,
        wrong=[one for one in found if one.level is Level.ERROR and one.section.value not in waiting],
        warnings=[one for one in found if one.level is Level.WARNING],
        unsaved=[(section, waiting[section.value].faults) for section in Section if section.value in waiting],
        is_unchanged=contract.state is State.CORRECTION and changed_since_submission(contract) == {},
        waiting=[one for one in reversed(outcomes(contract)) if one.item.answered_at is None],
        parts=parts_of(contract, found, lambda section: _url_of(contract, section)),
        finding_url=lambda one: _mending_url(contract, one),
        number=len(Section) + 1,
        **_around(contract, checking=True),
    )
