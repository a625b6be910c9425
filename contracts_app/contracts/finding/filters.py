"""The filter bar of the contract list: what may be chosen, what was typed, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Request
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, SelectField, StringField

from contracts_app.accounts.models import User
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    CodeList,
    ContractType,
    IpKind,
    PartyType,
    PaymentModel,
    PlanSource,
    TechnologyField,
)
from contracts_app.contracts.books.facets import Band, Caliber, Flow
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.core.web.fields import choice_list
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Level, Region, Unit
from contracts_app.regions.queries import unit_codes_under

from .query import ContractQuery, DateKind

Choices = list[tuple[str, str]]
_CODED: Mapping[str, type[CodeList]] = {"ip": IpKind, "plan_source": PlanSource, "payment_model": PaymentModel}
OTHERS = (Caliber.OUTPUT, Caliber.ABSORBED)  # beside the one that every list goes by


def _list(label: str) -> Any:
    return SelectField(label, choices=[], validate_choice=False)


class FilterForm(Form):
    """Shown as typed; the values themselves are read by ``ContractQuery.from_args``."""

    q = StringField("关键字")
    type = _list("合同类型")
    year = StringField("登记年度")
    since = StringField("起始年度（跨年时填）")
    amount_from = StringField("成交额不低于（万元）")
    amount_to = StringField("成交额不高于（万元）")
    unit = _list("考核单元")
    town = _list("镇街")
    state = _list("状态")
    field = _list("技术领域")
    platform = _list("创新平台")
    broker = _list("技术经纪人")
    ip = _list("知识产权")
    plan_source = _list("计划来源")
    payment_model = _list("支付方式")
    seller_kind = _list("卖方类别")
    buyer_kind = _list("买方类别")
    flow = _list("技术流向")
    band = _list("金额区间")
    caliber = _list("统计口径（先填年度）")
    date_kind = SelectField(
        "日期", choices=choice_list([(kind.value, kind.label) for kind in DateKind]), validate_choice=False
    )
    date_from = StringField("起")
    date_to = StringField("止")

    @property
    def choosable(self) -> list[Field]:
        """The lists under 更多条件 that offer anything."""
        places, kinds = ("unit", "town", "state", "field", "platform", "broker"), ("seller_kind", "buyer_kind")
        names = (*places, *_CODED, *kinds, "flow", "band", "caliber")
        return [self[name] for name in names if self[name].choices[1:] or self[name].errors]

    @property
    def is_more_open(self) -> bool:
        """Whether anything under 更多条件 is filled in or wrong, so that it must not be folded away."""
        more = [*self.choosable, self.since, self.amount_to, self.date_from, self.date_to]
        return any(field.data or field.errors for field in more)


def filter_form(request: Request, query: ContractQuery, person: User) -> FilterForm:
    """The bar for this person, with what was typed and a sentence at each field that could not be read."""
    form = FilterForm(MultiDict(request.args))
    states: Choices = [(state.value, state.label) for state in State]
    if "," in (form.state.data or ""):
        states.append((form.state.data, "、".join(state.label for state in query.states)))
    form.state.choices = choice_list(states, "全部状态")
    form.type.choices = {group: choice_list(rows) for group, rows in _types().items()}
    form.unit.choices = choice_list(_units(person), "全部单元")
    form.town.choices = choice_list(_towns(person, query), "全部镇街")
    form.field.choices = choice_list(_fields(), "全部领域")
    form.platform.choices = choice_list(_platforms(), "全部平台")
    form.broker.choices = choice_list(_brokers(person, query), "全部经纪人")
    for name, codes in _CODED.items():
        form[name].choices = choice_list(_tree(codes), "不限")
    form.seller_kind.choices = form.buyer_kind.choices = choice_list(_tree(PartyType), "不限")
    form.flow.choices = choice_list([(one.value, one.label) for one in Flow], "不限")
    form.band.choices = choice_list([(one.value, one.label) for one in Band], "不限")
    form.caliber.choices = choice_list([(one.value, one.label) for one in OTHERS], Caliber.REGISTERED.label)
    for name, sentence in query.faults:
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)
    return form


def _types() -> dict[str, Choices]:
    """Roots as groups, each with a first line for the whole of it."""
    groups: dict[str, Choices] = {"": [("", "全部类型")]}
    names: Mapping[str, str] = {}
    rows = db.session.execute(
        select(ContractType.code, ContractType.name, ContractType.parent_code).order_by(ContractType.position)
    ).all()
    names = {code: name for code, name, parent in rows if parent is None}
    for code, name, parent in rows:
        if parent is None:
            groups[name] = [(code, f"{name}（全部）")]
        else:
            groups[names[parent]].append((code, name))
    return groups


def _units(person: User) -> Choices:
    """Nothing to choose where there is only one."""
    rows = _rows(
        select(Unit.code, Unit.name).where(Unit.code.in_(unit_codes_under(person.region))).order_by(Unit.position)
    )
    return rows if len(rows) > 1 else []


def _towns(person: User, query: ContractQuery) -> Choices:
    """The towns of the unit that is asked for, else of the person's own county."""
    county = query.unit or (person.region_code if person.region.level in (Level.COUNTY, Level.ZONE) else None)
    return _rows(
        select(Region.code, Region.name)
        .where(Region.parent_code == county, Region.level == Level.TOWN)
        .order_by(Region.code)
    )


def _fields() -> Choices:
    return _rows(select(TechnologyField.code, TechnologyField.name).order_by(TechnologyField.position))


def _tree(codes: type[CodeList]) -> Choices:
    """A code list with each code below the one above it; any of them may be asked for."""
    own: Any = codes
    rows = db.session.execute(select(own.code, own.name, own.parent_code).order_by(own.position, own.code)).all()
    above = {code: parent for code, _, parent in rows}

    def depth(code: str) -> int:
        return 1 + depth(above[code]) if above.get(code) else 0

    return [(code, "　" * depth(code) + name) for code, name, _ in rows]


def _platforms() -> Choices:
    return _rows(select(Platform.id, Platform.name).order_by(Platform.name, Platform.id))


def _brokers(person: User, query: ContractQuery) -> Choices:
    """The brokers of the person's region, and the one that is asked for wherever he is."""
    wanted = (
        select(Broker.id, Broker.name)
        .join(Region, Region.code == Broker.region_code)
        .where(Region.path.startswith(person.region.path) | (Broker.id == query.broker))
        .order_by(Broker.pinyin, Broker.id)
    )
    return _rows(wanted)


def _rows(statement: Any) -> Choices:
    rows: Sequence[Any] = db.session.execute(statement).all()
    return [(str(code), name) for code, name in rows]
