"""The parts of the filing as forms. They check the shape of each answer; what must be true is in ``checks``."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import Field, FieldList, Form, FormField, IntegerField, RadioField, SelectChoice, ValidationError
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    CodeList,
    ContractType,
    Goal,
    Industry,
    IpKind,
    PaymentModel,
    PlanSource,
    TechnologyField,
)
from contracts_app.codes.queries import choosable, listed
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.fields import (
    ChoiceField,
    DayField,
    LongText,
    MoneyField,
    ShortText,
    YesNoField,
    choice_list,
)
from contracts_app.enterprises import queries as enterprises
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.queries import platforms

from .checks import Finding, Level, Section
from .models import Contract

MOST_LINES = 100


class EnterpriseField(Field):
    """One enterprise: its id, as chosen from the hits, or what was typed, where that names exactly one.

    Posted as ``<name>`` (the id), ``<name>_text`` (what was typed) and ``<name>_pick`` (the hit chosen without script).
    ``hits`` are offered for choice when the text names no single one.
    """

    widget = HiddenInput()

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.chosen: Enterprise | None = None
        self.typed = ""
        self.hits: Sequence[Enterprise] = ()

    def process_data(self, value: int | None) -> None:
        self.choose(enterprises.known(value))

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        if not formdata or not any(name in formdata for name in (self.name, f"{self.name}_text")):
            return
        self.typed = formdata.get(f"{self.name}_text", "").strip()[:200]
        picked = _number(formdata.get(f"{self.name}_pick"))
        if picked:
            self.choose(enterprises.known(picked))
            return
        chosen = enterprises.known(_number(formdata.get(self.name)))
        # Without script the name can be changed while the id stays: what people see counts.
        if chosen and f"{self.name}_text" in formdata and self.typed != chosen.name:
            chosen = None
        self.choose(chosen or (enterprises.meant(self.typed) if self.typed else None))

    def choose(self, enterprise: Enterprise | None) -> None:
        """Take this one."""
        self.chosen = enterprise
        self.data = enterprise.id if enterprise else None
        if enterprise:
            self.typed = enterprise.name

    def look_up(self) -> None:
        """Offer the hits for what was typed."""
        self.hits = enterprises.found(self.typed) if self.typed and not self.chosen else ()

    def pre_validate(self, form: Any) -> None:
        if self.chosen or not self.typed:
            return
        self.look_up()
        if self.hits:
            raise ValidationError(f"“{self.typed}”找到 {len(self.hits)} 个单位，选择其中一个")
        raise ValidationError(f"没有找到“{self.typed}”，换一个字查找，或者新增单位")


def _number(written: Any) -> int | None:
    """The number of a record as it is posted, or as the record has it; None for anything else."""
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class PartForm(Form):
    """One part of the filing. Built from what was posted or kept as typed, else from the contract."""

    section: ClassVar[Section]
    # A finding about the first field says nothing while one of the others cannot be read.
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    version = IntegerField(validators=[Optional()], widget=HiddenInput())

    def __init__(self, contract: Contract, person: User, typed: MultiDict[str, str] | None = None) -> None:
        self.contract, self.person = contract, person
        super().__init__(typed, data=self.answers_of(contract) | {"version": contract.version})
        self.offer_choices()

    def asked(self) -> list[str]:
        """The names of the questions of this part."""
        return [name for name in self._fields if name != "version"]

    def answers_of(self, contract: Contract) -> dict[str, Any]:
        """What the contract says already, by the names of the fields."""
        names = [name for name, _ in self._unbound_fields if name != "version"]
        return {name: getattr(contract, name) for name in names}

    def offer_choices(self) -> None:
        """Fill the lists that are read from the database."""

    def answers(self) -> dict[str, Any]:
        """Values by the contract's field names; what cannot be read is left out as if it were blank."""
        return {name: self[name].data for name in self.asked()}

    def says_nothing_new(self) -> bool:
        """Whether the answers are those the contract has already."""
        return self.answers() == {name: getattr(self.contract, name) for name in self.asked()}

    def show(self, findings: Iterable[Finding]) -> int:
        """Put what stops the saving beside its field; returns how many there were.

        A field that cannot be read has its sentence already; what depends on it waits.
        """
        unread = {name for name in self.asked() if self[name].errors}
        shown = 0
        for finding in findings:
            leans = self[finding.field].data and set(self.leans_on.get(finding.field, ())) & unread
            if finding.level is not Level.ERROR or finding.field in unread or leans:
                continue
            field = self[finding.field]
            field.errors = [*field.errors, finding.sentence]
            shown += 1
        return shown

    @property
    def faults(self) -> int:
        """How many things are to be put right."""
        return sum(_count(self[name].errors) for name in self._fields) + len(self.form_errors)


def _count(errors: Any) -> int:
    if isinstance(errors, Mapping):
        return sum(_count(inner) for inner in errors.values())
    return sum(1 if isinstance(one, str) else _count(one) for one in errors)


class PartiesForm(PartForm):
    section = Section.PARTIES

    seller_id = EnterpriseField(
        "卖方", description="收取价款的一方：研究开发人、让与人、许可人、受托人。由卖方申请登记。"
    )
    buyer_id = EnterpriseField("买方", description="支付价款的一方：委托人、受让人、被许可人。")
    is_related = YesNoField("买卖双方是不是关联交易", description="有隶属、控股或同一控制关系的，选“是”。")
    broker_id = ChoiceField("技术经纪人", description="由技术经纪人促成的，选择是谁。", coerce=_number)

    def offer_choices(self) -> None:
        if not self.person.has(Role.REGISTRAR):
            del self.broker_id
            return
        brokers = db.session.execute(
            select(Broker.id, Broker.name).where(Broker.is_active).order_by(Broker.pinyin, Broker.id)
        )
        self.broker_id.choices = choice_list([(str(key), name) for key, name in brokers], "没有经纪人")


class SubjectForm(PartForm):
    section = Section.SUBJECT
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "begins_on": ("signed_on",),
        "ends_on": ("signed_on", "begins_on"),
    }

    title = ShortText(
        "合同名称",
        [Length(max=200, message="合同名称不超过 200 字")],
        description="写全称，与合同封面一致。",
    )
    type_code = ChoiceField("合同类型", description="按合同的主要内容选到子类型；登记机构会再认定一次。")
    content = LongText(
        "标的内容",
        [Length(max=5000, message="标的内容不超过 5000 字")],
        description="要解决什么技术问题、交付什么成果、怎样验收。不要写涉密内容。",
    )
    signed_on = DayField("签订日期", description="合同落款日期；双方不在同一天的，写后一个。")
    begins_on = DayField("有效期开始")
    ends_on = DayField("有效期结束", description="只有有效期内的合同才能申请登记。")

    def offer_choices(self) -> None:
        self.type_code.choices = _grouped(ContractType, "选择合同类型")


class PlanLine(Form):
    """One payment: when or on what condition, and how much. A line without any answer is no line."""

    due_on = DayField("应付日期")
    condition = ShortText("付款条件", [Length(max=200, message="付款条件不超过 200 字")])
    amount = MoneyField("金额", unit="wan")

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into the line."""
        return not any(field.data or (field.raw_data or [""])[0].strip() for field in self)

    def validate_amount(self, field: MoneyField) -> None:
        if field.errors or self.is_blank:
            return
        if not field.data:
            raise ValidationError("填写这一期的金额，要大于 0")

    def validate_due_on(self, field: DayField) -> None:
        if not field.errors and not self.is_blank and not field.data and not self.condition.data:
            raise ValidationError("填写应付日期，或者写明付款条件")


class Plan(FieldList):
    """The payment plan; lines left blank are dropped."""

    errors: Sequence[Any] = ()

    def lines(self) -> list[tuple[Any, str, Any]]:
        """(due_on, condition, amount) of each line that was filled in; an amount that cannot be read is 0."""
        forms = [entry.form for entry in self.entries]
        return [
            (one.due_on.data, one.condition.data or "", one.amount.data or Decimal(0))
            for one in forms
            if not one.is_blank
        ]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        fine = super().validate(form, extra_validators)
        if len(self.entries) > MOST_LINES:
            self.errors = [*self.errors, f"付款计划最多 {MOST_LINES} 期，合并后填写"]
            return False
        return fine


class MoneyForm(PartForm):
    section = Section.MONEY
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "technology_amount": ("total_amount",),
        "payments": ("total_amount",),
    }

    total_amount = MoneyField("成交额", unit="wan", description="合同写明的全部价款，含税。可以直接写“120万”。")
    technology_amount = MoneyField(
        "技术交易额", unit="wan", description="从成交额中扣除设备、零部件、原材料等非技术性费用后的金额。"
    )
    payment_model_code = RadioField("付款方式", coerce=lambda value: value or None, validate_choice=False)
    payments = Plan(
        FormField(PlanLine),
        "付款计划",
        min_entries=1,
        description="每期一行，写应付日期或付款条件；金额单位是万元。空行不保存。",
    )
    payment_note = LongText(
        "付款说明",
        [Length(max=2000, message="付款说明不超过 2000 字")],
        description="有提成的必须写明：提成的基数、比例、期间，以及查账的约定。",
    )

    def answers_of(self, contract: Contract) -> dict[str, Any]:
        lines = [
            {"due_on": line.due_on, "condition": line.condition, "amount": line.amount} for line in contract.payments
        ]
        return super().answers_of(contract) | {"payments": lines}

    def offer_choices(self) -> None:
        self.payment_model_code.choices = [
            SelectChoice(model.code, f"{model.name}：{model.note}" if model.note else model.name)
            for model in choosable(PaymentModel, today())
        ]

    def validate_payment_model_code(self, field: RadioField) -> None:
        if field.data and field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("选择列表里有的一项")

    def answers(self) -> dict[str, Any]:
        known = super().answers()
        nothing = {name: known[name] or Decimal(0) for name in ("total_amount", "technology_amount")}
        return known | nothing | {"payments": self.payments.lines()}

    def says_nothing_new(self) -> bool:
        lines = [(line.due_on, line.condition, line.amount) for line in self.contract.payments]
        known = {name: getattr(self.contract, name) for name in self.asked()} | {"payments": lines}
        return self.answers() == known


class TechnologyForm(PartForm):
    section = Section.TECHNOLOGY

    field_code = ChoiceField("技术领域")
    ip_code = ChoiceField("知识产权", description="转让、许可合同要有具体的知识产权；没有的选“未涉及知识产权”。")
    plan_source_code = ChoiceField("计划来源", description="不是财政计划项目的，选“计划外”。")
    goal_code = ChoiceField("社会经济目标", description="按目的选，不按内容选；有几个的选主要的一个。")
    industry_code = ChoiceField("服务的国民经济行业", description="技术用在哪个行业。")
    platform_id = ChoiceField("创新平台", description="由平台促成的，选择是哪一个。", coerce=_number)

    def offer_choices(self) -> None:
        self.field_code.choices = _plain(TechnologyField, "选择技术领域")
        self.ip_code.choices = _grouped(IpKind, "选择知识产权类别")
        self.plan_source_code.choices = _grouped(PlanSource, "选择计划来源")
        self.goal_code.choices = _plain(Goal, "选择社会经济目标")
        self.industry_code.choices = _plain(Industry, "选择行业门类", with_code=True)
        offered = db.session.scalars(platforms()).all()
        self.platform_id.choices = [
            SelectChoice("", "没有平台"),
            *(
                SelectChoice(str(one.id), one.name, optgroup=one.kind.label)
                for one in offered
                if one.closed_on is None or one.id == self.contract.platform_id
            ),
        ]


def _plain(model: type[CodeList], blank: str, *, with_code: bool = False) -> list[SelectChoice]:
    rows = [(one.code, f"{one.code} {one.name}" if with_code else one.name) for one in choosable(model, today())]
    return choice_list(rows, blank)


def _grouped(model: type[CodeList], blank: str) -> list[SelectChoice]:
    """The leaves of a list under the names of their roots; roots without leaves stand by themselves."""
    names = {one.code: one.name for one in listed(model)}
    leaves = [
        SelectChoice(one.code, one.name, optgroup=names.get(one.parent_code or "")) for one in choosable(model, today())
    ]
    return [SelectChoice("", blank), *leaves]


PARTS: dict[Section, type[PartForm]] = {
    form.section: form for form in (PartiesForm, SubjectForm, MoneyForm, TechnologyForm)
}
