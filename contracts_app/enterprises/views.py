from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from contracts_app.accounts.entrance.signing_in import safe_target, typed
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.codes.models import PartyType
from contracts_app.codes.queries import choices
from contracts_app.core import conflicts
from contracts_app.core.clock import today
from contracts_app.core.errors import NotYours, Stale
from contracts_app.core.web.limits import REVEALED, limiter, person_asking
from contracts_app.core.web.pages import number_from, sort_from
from contracts_app.regions.queries import ABROAD, place_choices

from . import actions, facts, queries
from .forms import BlanksForm, EnterpriseForm
from .models import Enterprise

bp = Blueprint("enterprises", __name__, url_prefix="/enterprises")


@bp.route("/")
@needs(Can.READ_PARTIES)
def index() -> ResponseReturnValue:
    """The register: search by part of the name, code, pinyin or initials; narrowed by place and kind of party."""
    words, place, kind = (request.args.get(name, "").strip() for name in ("q", "place", "type"))
    sort = sort_from(request.args.get("sort"), queries.COLUMNS, "name")
    page = queries.listed(words, place, kind, sort, *number_from(request.args))
    return render_template(
        "enterprises/index.html",
        page=page,
        sort=sort,
        words=words,
        place=place,
        kind=kind,
        places=place_choices(),
        kinds=choices(PartyType, today()),
        may_add=may(current_user, Can.EDIT_PARTIES),
    )


@bp.route("/search")
@needs(Can.READ_PARTIES)
def search() -> Response:
    """Hits for the picker: ``[{"id", "name", "note"}]``, at most twenty, the likeliest first."""
    hits = queries.found(request.args.get("q", "")[:200])
    return jsonify([{"id": one.id, "name": one.name, "note": one.note} for one in hits])


@bp.route("/<int:enterprise_id>")
@needs(Can.READ_PARTIES)
def show(enterprise_id: int) -> ResponseReturnValue:
    return _page_of(queries.one(enterprise_id))


@bp.post("/<int:enterprise_id>/reveal")
@needs(Can.REVEAL_PARTIES)
@limiter.limit(REVEALED, key_func=person_asking)
def reveal(enterprise_id: int) -> ResponseReturnValue:
    """The same page with one answer whole that it hides; a form, because looking is written down."""
    enterprise, name = queries.one(enterprise_id), request.form.get("field", "")
    if name not in facts.HIDDEN:
        abort(400)
    return _page_of(enterprise, {name: actions.reveal(enterprise, name, current_user)})


def _page_of(enterprise: Enterprise, shown: dict[str, str] | None = None) -> str:
    """One enterprise; ``shown`` are the answers that this time stand there whole."""
    why_not = actions.why_not_edit(enterprise, current_user)
    may_reveal = actions.why_not_reveal(enterprise, current_user) is None
    hidden = {label: name for label, name in facts.hidden(enterprise).items() if name not in (shown or {})}
    may_fill = why_not is not None and actions.why_not_fill(enterprise, current_user) is None
    return render_template(
        "enterprises/show.html",
        enterprise=enterprise,
        groups=facts.groups(enterprise, shown),
        hidden=hidden if may_reveal else {},
        why_not=why_not,
        may_fill=may_fill,
        missing=facts.blanks_in_words(enterprise),
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(Can.EDIT_PARTIES)
def new() -> ResponseReturnValue:
    """Add an enterprise; ``next`` leads back to the page that wanted one, with ``chosen`` added to its address."""
    form = EnterpriseForm(formdata=typed(), name=_typed_name())
    if request.method == "POST" and _is_right(form, None):
        enterprise = actions.create(form.answers(), current_user, although_namesake=bool(form.anyway.data))
        back = safe_target(request.args.get("next"))
        if back is None:
            flash(f"已新增：{enterprise.name}。")
        return redirect(_with_chosen(back, enterprise) if back else url_for(".show", enterprise_id=enterprise.id))
    return _edit_page(form, None)


@bp.route("/<int:enterprise_id>/edit", methods=["GET", "POST"])
@needs(Can.EDIT_PARTIES)
def edit(enterprise_id: int) -> ResponseReturnValue:
    """Change an enterprise, or fill in what it leaves blank; ``next`` leads back to the page that wants it whole."""
    enterprise = queries.one(enterprise_id)
    if sentence := actions.why_not_edit(enterprise, current_user):
        return _fill_in(enterprise, sentence)

    def make(posted: MultiDict[str, str] | None) -> EnterpriseForm:
        return EnterpriseForm(formdata=posted, obj=enterprise)

    form = conflicts.filled(make, typed())
    if request.method == "POST" and _is_right(form, enterprise):
        try:
            actions.revise(
                enterprise,
                form.answers(),
                current_user,
                form.version.data,
                although_namesake=bool(form.anyway.data),
            )
        except Stale as stale:
            return conflicts.page(stale, form, make, enterprise.name)
        return _back_from(enterprise, f"已保存：{enterprise.name}。")
    return _edit_page(form, enterprise)


def _fill_in(enterprise: Enterprise, why_not_edit: str) -> ResponseReturnValue:
    """What is blank as a form, for whoever may not change the rest, which is shown beside it."""
    if actions.why_not_fill(enterprise, current_user):
        if may(current_user, Can.EDIT_PARTIES) and safe_target(request.args.get("next")):
            return _back_from(enterprise, f"{enterprise.name}的资料已经填全。")
        raise NotYours(why_not_edit)

    def make(posted: MultiDict[str, str] | None) -> BlanksForm:
        return BlanksForm(formdata=posted, obj=enterprise)

    form = conflicts.filled(make, typed())
    if request.method == "POST" and form.validate():
        same = queries.of_code(form.answers().get("code"))
        if same:
            form.code.errors = [f"这个代码已经有单位在用：{same.name}"]
        else:
            try:
                actions.fill_in(enterprise, form.answers(), current_user, form.version.data)
                return _back_from(enterprise, f"已补填：{enterprise.name}。")
            except Stale as stale:
                return conflicts.page(stale, form, make, enterprise.name)
    page = render_template(
        "enterprises/fill.html",
        form=form,
        enterprise=enterprise,
        groups=facts.groups(enterprise),
        why_not=why_not_edit,
        back=safe_target(request.args.get("next")),
    )
    return page, 422 if form.errors and request.method == "POST" else 200


def _back_from(enterprise: Enterprise, words: str) -> ResponseReturnValue:
    """To the page that led here, else to the enterprise's own."""
    flash(words)
    return redirect(safe_target(request.args.get("next")) or url_for(".show", enterprise_id=enterprise.id))


def _is_right(form: EnterpriseForm, own: Enterprise | None) -> bool:
    """Every answer by itself and beside the register, so that all there is to mend is told at once."""
    return all([form.validate(), _is_new(form, own)])


def _is_new(form: EnterpriseForm, own: Enterprise | None) -> bool:
    """Whether no other enterprise has this code or, unless the person insists, this name; says so on the form."""
    own_id = own.id if own else None
    same = queries.of_code(form.code.data)
    if same and same.id != own_id:
        form.code.errors = [*form.code.errors, f"这个代码已经有单位在用：{same.name}"]
        form.twins = [same]
        return False
    form.twins = queries.of_name(form.name.data, besides=own_id)
    if own and form.twins and own.name == form.name.data:
        return True  # they have lived side by side before
    if form.twins and not form.anyway.data:
        form.name.errors = [*form.name.errors, "已有同名的单位，核对是不是同一个"]
        form.may_insist = True
        return False
    return True


def _edit_page(form: EnterpriseForm, enterprise: Enterprise | None) -> ResponseReturnValue:
    back = safe_target(request.args.get("next"))
    page = render_template(
        "enterprises/edit.html",
        form=form,
        enterprise=enterprise,
        abroad=ABROAD,
        back=back,
        twins=[(twin, _with_chosen(back, twin) if back else None) for twin in form.twins],
    )
    return page, 422 if form.errors and request.method == "POST" else 200


def _with_chosen(back: str, enterprise: Enterprise) -> str:
    """The address to go back to, saying which enterprise was chosen."""
    parts = urlsplit(back)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "chosen"]
    return f"{parts.path}?{urlencode([*query, ('chosen', str(enterprise.id))])}"


def _typed_name() -> str:
    """What was looked for and not found is likely the new one's name."""
    typed = request.args.get("name", "")[:200]
    return typed if any("\u4e00" <= sign <= "\u9fff" for sign in typed) else ""
