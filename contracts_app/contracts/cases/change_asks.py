"""What a change asks: every answer it may touch, filled in as registered. Which those are is said in `changes`."""

from typing import Any

from sqlalchemy import or_, select
from wtforms import FormField, HiddenField, SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from contracts_app.brokers.models import Broker
from contracts_app.codes.models import LicenceMode, TechnologyField
from contracts_app.codes.queries import choices
from contracts_app.contracts.filing.detail_forms import DetailsForm, RightLine, Rights, kinds_of_right
from contracts_app.contracts.filing.forms import TechnologyForm
from contracts_app.contracts.filing.money_forms import (
    ForeignAmountField,
    MoneyForm,
    NumberField,
    Plan,
    PlanLine,
    deduction_lines,
    deduction_sheet,
)
from contracts_app.contracts.filing.parts import PartForm
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.money import LARGEST, yuan
from contracts_app.core.web.fields import (
    ChoiceField,
    DayField,
    LongText,
    MoneyField,
    ShortText,
    YesNoField,
    choice_list,
)
from contracts_app.core.workflow import Ask
from contracts_app.enterprises.fields import EnterpriseField, number_of
from contracts_app.platforms.queries import platforms

from . import changes
from .asks import checks_statement


class NotAsked(HiddenField):
    """Stands where a question does not concern the contract: nothing to see, and whatever is posted no answer."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None


def new_title(contract: Contract) -> Any:
    return ShortText(
        "合同名称",
        [DataRequired("填写合同名称"), Length(max=200, message="合同名称不超过 200 字")],
        default=contract.title,
    )


def new_buyer(contract: Contract) -> Any:
    return EnterpriseField("买方", default=contract.buyer_id, description="买方变更为另一个单位的，改选那个单位。")


def new_content(contract: Contract) -> Any:
    return LongText(
        "标的内容",
        [DataRequired("填写标的内容"), Length(max=5000, message="标的内容不超过 5000 字")],
        default=contract.content,
    )


def new_field(contract: Contract) -> Any:
    rows = choices(TechnologyField, today())
    if contract.field and contract.field_code not in dict(rows):
        rows.append((contract.field.code, contract.field.name))
    return ChoiceField(
        "技术领域", [DataRequired("选择技术领域")], choices=choice_list(rows), default=contract.field_code
    )


def new_beginning(contract: Contract) -> Any:
    return DayField("有效期开始", default=contract.begins_on)


def new_end(contract: Contract) -> Any:
    return DayField("有效期结束", default=contract.ends_on)


def new_total(contract: Contract) -> Any:
    return MoneyField(
        "成交额", [InputRequired("填写成交额，金额待定的填 0")], default=contract.total_amount, unit="wan"
    )


def new_foreign_amount(contract: Contract) -> Any:
    return ForeignAmountField(
        f"外币金额（{contract.currency_code}）", [InputRequired("填写外币金额")], default=contract.foreign_amount
    )


def new_exchange_rate(contract: Contract) -> Any:
    return NumberField(
        "汇率",
        [InputRequired("填写汇率")],
        places=8,
        largest=100_000,
        default=contract.exchange_rate,
        description="变更前的部分汇率不变的，照原汇率填写。",
    )


def new_rate_day(contract: Contract) -> Any:
    return DayField("汇率日期", default=contract.exchange_rate_on)


def new_rate_source(contract: Contract) -> Any:
    most = Length(max=100, message="汇率来源不超过 100 字")
    return ShortText("汇率来源", [most], default=contract.exchange_rate_source)


def new_openness(contract: Contract) -> Any:
    return YesNoField("金额仍然待定", [InputRequired("选择金额是不是仍然待定")], default=True)


def new_deductions(contract: Contract) -> Any:
    return deduction_sheet(default=deduction_lines(contract))


def new_payments(contract: Contract) -> Any:
    lines = [{"due_on": one.due_on, "condition": one.condition, "amount": one.amount} for one in contract.payments]
    return Plan(
        FormField(PlanLine),
        "付款计划",
        min_entries=1,
        default=lines,
        description="按变更后的约定填写，每期一行；各期合计等于变更后的成交额。空行不保存。",
    )


def new_payment_note(contract: Contract) -> Any:
    return LongText("付款说明", [Length(max=2000, message="付款说明不超过 2000 字")], default=contract.payment_note)


def new_rights(contract: Contract) -> Any:
    """The list of rights; what was asked of the filer is asked again."""
    return Rights(
        FormField(RightLine),
        "权利清单",
        kinds=kinds_of_right(),
        min_entries=1,
        default=[right.answers() for right in contract.rights],
        description="按变更后的约定填写，每项权利一栏；空的一栏不保存。",
    )


def new_licence_mode(contract: Contract) -> Any:
    rows = choices(LicenceMode, today())
    if contract.licence_mode and contract.licence_mode_code not in dict(rows):
        rows.append((contract.licence_mode.code, contract.licence_mode.name))
    return ChoiceField("许可方式", choices=choice_list(rows, "选择许可方式"), default=contract.licence_mode_code)


def new_platform(contract: Contract) -> Any:
    offered = [one for one in db.session.scalars(platforms()) if one.closed_on is None or one is contract.platform]
    rows = [SelectChoice(str(one.id), one.name, optgroup=one.kind.label) for one in offered]
    return ChoiceField(
        "创新平台", choices=[SelectChoice("", "没有平台"), *rows], coerce=number_of, default=contract.platform_id
    )


def new_broker(contract: Contract) -> Any:
    """Who brought the deal about: a broker who works, or the one that is registered."""
    wanted = select(Broker.id, Broker.name).where(or_(Broker.is_active, Broker.id == contract.broker_id))
    rows = [(str(key), name) for key, name in db.session.execute(wanted.order_by(Broker.pinyin, Broker.id))]
    return ChoiceField(
        "技术经纪人", choices=choice_list(rows, "没有经纪人"), coerce=number_of, default=contract.broker_id
    )


def _as_filed(form: type[PartForm], name: str) -> Ask:
    """The question of a part of the filing."""
    filed: Any = getattr(form, name)
    return lambda contract: filed.field_class(*filed.args, **(filed.kwargs | {"default": getattr(contract, name)}))


def _where_it_concerns(name: str, ask: Ask) -> Ask:
    return lambda contract: ask(contract) if name in changes.fields_of(contract) else NotAsked()


_QUESTIONS: dict[str, Ask] = {
    "title": new_title,
    "buyer_id": new_buyer,
    "content": new_content,
    "field_code": new_field,
    "begins_on": new_beginning,
    "ends_on": new_end,
    "rights": new_rights,
    "licence_mode_code": new_licence_mode,
    **{name: _as_filed(DetailsForm, name) for name in changes.FIELDS if name in changes.OF_DETAILS},
    "total_amount": new_total,
    "foreign_amount": new_foreign_amount,
    "exchange_rate": new_exchange_rate,
    "exchange_rate_on": new_rate_day,
    "exchange_rate_source": new_rate_source,
    "is_price_open": new_openness,
    "deductions": new_deductions,
    "payments": new_payments,
    **{name: _as_filed(MoneyForm, name) for name in changes.FIELDS if name in changes.OF_PAYMENT},
    "payment_note": new_payment_note,
    "platform_id": new_platform,
    "broker_id": new_broker,
    "broker_share": _as_filed(TechnologyForm, "broker_share"),
}
ASKS: dict[str, Ask] = {name: _where_it_concerns(name, ask) for name, ask in _QUESTIONS.items()}


def checks_change(form: Any) -> None:
    """At least one answer differs, and none of those that do breaks a rule of the contract's own rule set."""
    checks_statement(form)
    names = [name for name in changes.fields_of(form.record) if name in form]
    if any(form[name].errors for name in names):
        return
    asked = changes.differing(form.record, {name: form[name].data for name in names})
    if changes.price_of(form.record, asked) > LARGEST:
        form.foreign_amount.errors = [f"折合人民币超过 {yuan(LARGEST)} 元，核对外币金额和汇率"]
        return
    if not asked:
        form.form_errors.append("没有一项和登记的不同，改好要变更的内容再申请")
        return
    for finding in changes.new_findings(form.record, asked):
        place = "deductions" if finding.field == "technology_amount" else finding.field
        if place in names:
            form[place].errors = [*form[place].errors, finding.sentence]
        else:
            form.form_errors.append(finding.sentence)
