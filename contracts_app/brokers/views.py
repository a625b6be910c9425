"""The register of technology brokers."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from contracts_app.accounts.entrance.signing_in import typed
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.accounts.queries import region_choices, region_under
from contracts_app.core import conflicts
from contracts_app.core.errors import NotYours, Stale
from contracts_app.core.web.limits import REVEALED, limiter, person_asking
from contracts_app.core.web.pages import number_from, sort_from

from . import actions, queries
from .forms import BrokerForm
from .models import Broker, Grade

bp = Blueprint("brokers", __name__, url_prefix="/brokers")


@bp.get("/")
@needs(Can.READ_REGISTERS)
def index() -> str:
    """The brokers of one's region, searched by name, pinyin or initials."""
    words, employer = (request.args.get(name, "").strip()[:100] for name in ("q", "employer"))
    grade = next((one for one in Grade if one.value == request.args.get("grade")), None)
    place = region_under(current_user.region, request.args.get("region"))
    is_active = {"yes": True, "no": False}.get(request.args.get("active", ""))
    found = queries.matching(
        current_user, words=words, grade=grade, employer=employer, place=place, is_active=is_active
    )
    sort = sort_from(request.args.get("sort"), queries.COLUMNS, "name")
    return render_template(
        "brokers/index.html",
        page=queries.listed(found, sort, *number_from(request.args)),
        sort=sort,
        words=words,
        employer=employer,
        grade=grade,
        place=place,
        is_active=is_active,
        grades=Grade,
        regions=region_choices(current_user.region),
        why_not=actions.why_not_edit(current_user, current_user.region),
    )


@bp.get("/<int:broker_id>")
@needs(Can.READ_REGISTERS)
def show(broker_id: int) -> str:
    """One broker."""
    return _page_of(queries.one(broker_id, current_user))


@bp.post("/<int:broker_id>/reveal")
@needs(Can.REVEAL_BROKERS)
@limiter.limit(REVEALED, key_func=person_asking)
def reveal(broker_id: int) -> str:
    """The same page with the whole telephone number; a form, because looking is written down."""
    broker = queries.one(broker_id, current_user)
    return _page_of(broker, actions.reveal(broker, current_user))


def _page_of(broker: Broker, phone: str | None = None) -> str:
    """One broker; ``phone`` is the whole number where somebody asked for it."""
    return render_template(
        "brokers/show.html",
        broker=broker,
        phone=phone,
        may_reveal=may(current_user, Can.REVEAL_BROKERS),
        why_not=actions.why_not_edit(current_user, broker.region),
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(Can.EDIT_BROKERS)
def new() -> ResponseReturnValue:
    """Add a broker to the register."""
    form = BrokerForm(formdata=typed(), person=current_user, broker=None)
    if form.validate_on_submit():
        broker = actions.create(form.answers(), current_user)
        flash(f"已登记：{broker.name}。")
        return redirect(url_for(".show", broker_id=broker.id))
    return _edit_page(form, None)


@bp.route("/<int:broker_id>/edit", methods=["GET", "POST"])
@needs(Can.EDIT_BROKERS)
def edit(broker_id: int) -> ResponseReturnValue:
    """Change a broker's entry."""
    broker = queries.one(broker_id, current_user)
    if sentence := actions.why_not_edit(current_user, broker.region):
        raise NotYours(sentence)

    def make(posted: MultiDict[str, str] | None) -> BrokerForm:
        return BrokerForm(formdata=posted, person=current_user, broker=broker)

    form = conflicts.filled(make, typed())
    if form.validate_on_submit():
        try:
            actions.revise(broker, form.answers(), current_user, form.version.data)
        except Stale as stale:
            return conflicts.page(stale, form, make, broker.name)
        flash(f"已保存：{broker.name}。")
        return redirect(url_for(".show", broker_id=broker.id))
    return _edit_page(form, broker)


def _edit_page(form: BrokerForm, broker: Broker | None) -> ResponseReturnValue:
    html = render_template("brokers/edit.html", form=form, broker=broker)
    return html, 422 if form.errors or form.form_errors else 200
