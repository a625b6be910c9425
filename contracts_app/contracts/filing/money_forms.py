"""金额与付款 as a form: the price and its currency, the deduction sheet, the way of paying with what it asks for."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from wtforms import BooleanField, Field, FieldList, Form, FormField, RadioField, SelectChoice, ValidationError
from wtforms.validators import Length

from contracts_app.codes.models import Currency, PaymentModel
from contracts_app.codes.queries import choosable, listed
from contracts_app.contracts import amounts
from contracts_app.contracts.checking.checks import Section
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.models import Contract, Deduction, DeductionKind
from contracts_app.core.clock import today
from contracts_app.core.money import LARGEST, yuan
from contracts_app.core.web.fields import (
    ChoiceField,
    DayField,
    LongText,
    MoneyField,
    ParsedField,
    ShortText,
    YesNoField,
    choice_list,
)

from .parts import PartForm

MOST_LINES = 100


class ForeignAmountField(MoneyField):
    """An amount of another currency, two places; there is no 万元 to switch to."""

    def write(self, value: Decimal) -> str:
        return yuan(value)


class NumberField(ParsedField):
    """A number above 0 with so many decimals at most; a percent sign at its end is allowed where ``unit`` is one."""

    def __init__(
        self, label: str, validators: Sequence[Any] = (), *, places: int, largest: int, unit: str = "", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.places, self.largest, self.unit = places, largest, unit

    def parse(self, text: str) -> Decimal:
        written = re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text)).removesuffix(self.unit)
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?|\.[0-9]+", written):
            raise ValueError("只填写数字，单位是 %，例如 3.5" if self.unit else "只填写数字，例如 7.1024")
        number = Decimal(written)
        if -int(number.normalize().as_tuple().exponent) > self.places:
            raise ValueError(f"最多 {self.places} 位小数，去掉多余的小数位后填写")
        if not 0 < number <= self.largest:
            raise ValueError(f"填写大于 0、不超过 {self.largest} 的数")
        return number

    def write(self, value: Decimal) -> str:
        return amounts.plain(value)


# ---- lists of lines ------------------------------------------------------------------------------------------------


class LineForm(Form):
    """A line of a list. One without any answer is no line."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into the line."""
        return not any(field.data or (field.raw_data or [""])[0].strip() for field in self)


class Lines(FieldList):
    """A list of lines; those left blank are dropped."""

    errors: Sequence[Any] = ()

    def filled(self) -> list[Any]:
        """The forms of the lines into which anything was typed."""
        return [entry.form for entry in self.entries if not entry.form.is_blank]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        fine = super().validate(form, extra_validators)
        if len(self.entries) > MOST_LINES:
            self.errors = [*self.errors, f"{self.label.text}最多 {MOST_LINES} 行，合并后填写"]
            return False
        return fine


class PlanLine(LineForm):
    """One payment: when or on what condition, and how much."""

    due_on = DayField("应付日期")
    condition = ShortText("付款条件", [Length(max=200, message="付款条件不超过 200 字")])
    amount = MoneyField("金额", unit="wan")

    def validate_amount(self, field: MoneyField) -> None:
        if field.errors or self.is_blank:
            return
        if not field.data:
            raise ValidationError("填写这一期的金额，要大于 0")

    def validate_due_on(self, field: DayField) -> None:
        if not field.errors and not self.is_blank and not field.data and not self.condition.data:
            raise ValidationError("填写应付日期，或者写明付款条件")


class Plan(Lines):
    """The payment plan."""

    def lines(self) -> list[tuple[Any, str, Any]]:
        """(due_on, condition, amount) of each line that was filled in; an amount that cannot be read is 0."""
        return [(one.due_on.data, one.condition.data or "", one.amount.data or Decimal(0)) for one in self.filled()]


class DeductionLine(LineForm):
    """One thing bought: of what kind, what, for how much (元), and whether it is the subject matter itself."""

    kind = ChoiceField("种类", choices=choice_list([(one.value, one.label) for one in DeductionKind], "选择种类"))
    name = ShortText("名称和数量", [Length(max=200, message="名称不超过 200 字")])
    amount = MoneyField("金额", unit="wan")
    is_subject = BooleanField("属合同标的的合理数量，不扣除")
    note = ShortText("说明", [Length(max=300, message="说明不超过 300 字")])

    def validate_kind(self, field: ChoiceField) -> None:
        if not self.is_blank and not field.data:
            raise ValidationError("选择这一行的种类")

    def validate_name(self, field: ShortText) -> None:
        if not self.is_blank and not field.data:
            raise ValidationError("写明是什么，例如“检测仪 2 台”")

    def validate_amount(self, field: MoneyField) -> None:
        if not field.errors and not self.is_blank and not field.data:
            raise ValidationError("填写这一行的金额，要大于 0")

    def validate_note(self, field: ShortText) -> None:
        if self.is_subject.data and not field.data:
            raise ValidationError("写明不扣除的理由，例如“样机 1 台，供验收用”")


class DeductionSheet(Lines):
    """The deduction sheet (扣除明细)."""

    entry_words = "扣除明细第 {} 行"

    @property
    def data(self) -> list[dict[str, Any]]:
        """The lines that were filled in: blank ones are none."""
        return self.lines()

    @property
    def blank(self) -> DeductionLine:
        """A line for script to copy: its place is to be put in for __n__."""
        return DeductionLine(prefix=f"{self.name}-__n__-")

    def sentence(self, total: Decimal) -> str:
        """What the lines leave of a total (元), in words."""
        lines = amounts.deductions_of(self.lines())
        return amounts.sentence(total, amounts.technology_part(total, lines), lines) if total or lines else ""

    def lines(self) -> list[dict[str, Any]]:
        """Each line that was filled in; a kind or an amount that cannot be read is none."""
        return [
            one.data | {"kind": amounts.kind_of(one.kind.data), "amount": one.amount.data or Decimal(0)}
            for one in self.filled()
        ]


def deduction_sheet(**options: Any) -> DeductionSheet:
    """The sheet to be filled in: the filer's, and again the registrar's at the first review."""
    return DeductionSheet(
        FormField(DeductionLine),
        "扣除明细",
        description=(
            "成交额里的设备、仪器、零部件、原材料等非技术性费用逐行列出，系统从成交额中扣除，算出技术交易额；没有的不填。"
            "合同标的本身的合理数量（样机一般 1—2 套，资料、样品以掌握、验收、存档所需为限）不扣除，"
            "也列在这里并写明理由。"
        ),
        **options,
    )


def deduction_lines(contract: Contract) -> list[dict[str, Any]]:
    """The lines of the contract's sheet as the form has them; what was taken off without any is one still to name."""
    names = ("kind", "name", "amount", "is_subject", "note")
    lines = [{name: getattr(line, name) for name in names} for line in contract.deductions]
    gap = amounts.unexplained(contract)
    return [*lines, {"amount": gap}] if gap > 0 else lines


# ---- the form ------------------------------------------------------------------------------------------------------


class MoneyForm(PartForm):
    section = Section.MONEY
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
        ("total_amount", "deductions", "payments"), ("total_amount", "foreign_amount", "exchange_rate")
    )

    currency_code = ChoiceField("币种", description="合同用外币计价的，选外币，按汇率折算成人民币登记。")
    foreign_amount = ForeignAmountField("外币金额", description="合同写明的全部价款，按外币的单位填写。")
    exchange_rate = NumberField(
        "汇率", places=8, largest=100_000, description="1 单位外币折合人民币多少元，最多 8 位小数。"
    )
    exchange_rate_on = DayField("汇率日期", description="一般用合同签订日的汇率。")
    exchange_rate_source = ShortText(
        "汇率来源",
        [Length(max=100, message="汇率来源不超过 100 字")],
        description="例如：中国人民银行授权公布的人民币汇率中间价。",
    )
    total_amount = MoneyField("成交额", unit="wan", description="合同写明的全部价款，含税。可以直接写“120万”。")
    deductions = deduction_sheet()
    payment_model_code = RadioField("付款方式", coerce=lambda value: value or None, validate_choice=False)
    is_price_open = BooleanField(
        "金额待定", description="总额要等以后的销售、使用才能确定的勾选；成交额只填已经确定的部分，没有的填 0。"
    )
    payments = Plan(
        FormField(PlanLine),
        "付款计划",
        min_entries=1,
        description="每期一行，写应付日期或付款条件；金额单位是万元。空行不保存。",
    )
    royalty_base = ChoiceField(
        "提成基数",
        choices=choice_list([(one.value, one.label) for one in RoyaltyBase], "选择按什么计算"),
        coerce=lambda value: next((base for base in RoyaltyBase if base == value), value or None),
    )
    royalty_rate = NumberField("提成比例（%）", places=4, largest=100, unit="%", description="固定比例填这里，例如 3。")
    royalty_rate_note = ShortText(
        "比例的变化",
        [Length(max=300, message="说明不超过 300 字")],
        description="逐年递增、递减或分档的，写明怎样变化；固定比例的不填。",
    )
    royalty_begins_on = DayField("提成开始")
    royalty_ends_on = DayField("提成结束")
    royalty_floor = MoneyField("保底金额", unit="wan", description="约定了最低付多少的填写。")
    royalty_cap = MoneyField("封顶金额", unit="wan", description="约定了最多付多少的填写。")
    may_inspect_books = YesNoField("是否约定查账", description="收款方可以查阅有关的会计账目（《民法典》第846条）。")
    royalty_estimate = MoneyField("提成预计", unit="wan", description="只供参考，不计入成交额。")
    free_until = DayField("免费使用到", description="期满前，系统在“我的合同”和“待办”里提醒。")
    free_trigger = ShortText(
        "什么情况下开始付款",
        [Length(max=300, message="付款条件不超过 300 字")],
        description="日期、形成销售，或者买方决定继续使用，例如“期满后买方书面决定继续使用”。",
    )
    payment_note = LongText(
        "付款说明",
        [Length(max=2000, message="付款说明不超过 2000 字")],
        description="合同付款条款里其他要说明的。",
    )

    def __init__(self, contract: Contract, *args: Any) -> None:
        self.models = {model.code: model for model in listed(PaymentModel)}
        super().__init__(contract, *args)

    def answers_of(self, contract: Contract) -> dict[str, Any]:
        lines = [
            {"due_on": line.due_on, "condition": line.condition, "amount": line.amount} for line in contract.payments
        ]
        return super().answers_of(contract) | {"payments": lines, "deductions": deduction_lines(contract)}

    def offer_choices(self) -> None:
        day = today()
        self.payment_model_code.choices = [
            SelectChoice(model.code, f"{model.name}：{model.note}" if model.note else model.name)
            for model in choosable(PaymentModel, day)
        ]
        self.currency_code.choices = choice_list(
            [(one.code, f"{one.name} {one.code}") for one in choosable(Currency, day)], "人民币"
        )

    def validate_payment_model_code(self, field: RadioField) -> None:
        if field.data and field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("选择列表里有的一项")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Only what the chosen way of paying and currency ask for has to be right."""
        super().validate(*args, **kwargs)
        for name in self.left_out():
            _forgive(self[name])
        if self.currency_code.data:
            _forgive(self.total_amount)
            if self.total > LARGEST and not self.foreign_amount.errors:
                self.foreign_amount.errors = [f"折合人民币超过 {yuan(LARGEST)} 元，核对外币金额和汇率"]
        return not self.faults

    def left_out(self) -> dict[str, Any]:
        """The questions that do not go with the chosen way of paying and currency, with their blank answers."""
        return amounts.left_out(
            self.models.get(self.payment_model_code.data or ""), is_foreign=bool(self.currency_code.data)
        )

    @property
    def total(self) -> Decimal:
        """成交额 (元) as filled in, or as amount and rate come to."""
        if self.currency_code.data:
            return amounts.in_cny(self.foreign_amount.data, self.exchange_rate.data)
        return self.total_amount.data or Decimal(0)

    def answers(self) -> dict[str, Any]:
        total = min(self.total, LARGEST)
        return super().answers() | {"payments": self.payments.lines()} | self.left_out() | {"total_amount": total}

    def says_nothing_new(self) -> bool:
        lines = [(line.due_on, line.condition, line.amount) for line in self.contract.payments]
        sheet = [_as_line(line) for line in self.contract.deductions]
        known = {name: getattr(self.contract, name) for name in self.asked()}
        return self.answers() == known | {"payments": lines, "deductions": sheet}


def _as_line(line: Deduction) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("kind", "name", "amount", "is_subject", "note")}


def _forgive(field: Field) -> None:
    """What does not count cannot be wrong."""
    field.errors = []
    for entry in getattr(field, "entries", ()):
        for inner in entry.form:
            inner.errors = []
