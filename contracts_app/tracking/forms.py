"""What is asked about a contract's money."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, RadioField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from contracts_app.codes.models import BenefitKind
from contracts_app.codes.queries import choices
from contracts_app.contracts.cases.asks import is_taken
from contracts_app.contracts.filing.detail_forms import WholeNumber
from contracts_app.contracts.models import DeductionKind
from contracts_app.core.clock import today
from contracts_app.core.money import yuan
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, MoneyField, ShortText, choice_list

from .actions import why_not_received_on
from .models import Party, Receipt, RoyaltyStatement, Verification
from .plan import Line
from .queries import Performance
from .royalties import Bounds, Royalty, royalty

PLAN, OTHER = "plan", "other"
MOST = 300


def _at_most(most: int, label: str) -> Length:
    return Length(max=most, message=f"{label}不超过 {most} 字")


def _not_after_today(form: Any, field: DayField) -> None:
    if field.data and field.data > today():
        raise ValidationError(f"日期不能晚于今天（{today()}）")


class CheckList(SelectMultipleField):
    """Several of a list, each a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ReasonForm(FlaskForm):
    """Why something is taken back."""

    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    reason = LongText("理由", [DataRequired("写明理由，例如“金额多记一位”"), _at_most(MOST, "理由")])


class ReceiptForm(FlaskForm):
    """Money that came in."""

    received_on = DayField("到账日期", [DataRequired("填写到账日期")], description="银行回单上的入账日期。")
    amount = MoneyField("到账金额", [InputRequired("填写到账金额")])
    pays = RadioField("用途", [DataRequired("选择这笔钱付的是什么")], validate_choice=False)
    lines = CheckList("付的是哪几期", coerce=int, description="不选的，按应付日期先后抵付。")
    payer = ShortText("付款单位", [DataRequired("填写付款单位"), _at_most(200, "付款单位")])
    voucher_number = ShortText("凭证号", [_at_most(60, "凭证号")], description="银行回单号或记账凭证号。")
    invoice_numbers = ShortText("发票号码", [_at_most(MOST, "发票号码")], description="几张发票的用顿号分开。")
    invoiced_on = DayField("开票日期", [_not_after_today])
    slip = FileField("银行回单或发票", [is_taken])
    note = LongText("备注", [_at_most(MOST, "备注")])
    is_another = BooleanField("确认是另一笔，不是重复登记")

    def __init__(self, performance: Performance) -> None:
        contract = performance.contract
        first = {"received_on": today(), "payer": contract.buyer.name if contract.buyer else "", "pays": PLAN}
        super().__init__(data=first)
        self.performance = performance
        self.asks_twice = False  # whether the box for a second like receipt is shown
        self.plan = [line for line in performance.lines if line.outstanding]
        self.royalties = {f"royalty-{one.id}": one for one in performance.standing_royalties}
        ways = [(PLAN, "付款计划内的款项" if performance.lines else "合同价款")]
        ways += [(key, f"{one.year} 年提成（应付 {yuan(one.amount)} 元）") for key, one in self.royalties.items()]
        self.pays.choices = choice_list([*ways, (OTHER, "计划外的款项")])
        self.lines.choices = [(line.id, line_in_words(line)) for line in self.plan]

    def validate_received_on(self, field: DayField) -> None:
        if field.data and (sentence := why_not_received_on(field.data)):
            raise ValidationError(sentence)

    def validate_pays(self, field: RadioField) -> None:
        if field.data not in {PLAN, OTHER, *self.royalties}:
            raise ValidationError("选择列表里有的一项")

    def validate_amount(self, field: MoneyField) -> None:
        if field.data is not None and field.data <= 0:
            raise ValidationError("到账金额要大于 0；记错的到账用冲销更正")

    def validate_is_another(self, field: BooleanField) -> None:
        """The same sum on the same day is most likely the same money."""
        like = (self.received_on.data, self.amount.data)
        if any((one.received_on, one.amount) == like for one in self.performance.standing_receipts):
            self.asks_twice = True
            if not field.data:
                raise ValidationError("这一天已经登记过同样金额的到账；确实是另一笔的，勾选后再保存")

    @property
    def royalty(self) -> RoyaltyStatement | None:
        """The statement that it pays."""
        return self.royalties.get(self.pays.data)

    @property
    def chosen(self) -> list[Line]:
        """The lines of the plan that it pays; none for other money."""
        return [line for line in self.plan if line.id in (self.lines.data or ())] if self.pays.data == PLAN else []

    def answers(self) -> dict[str, Any]:
        """What `actions.record_receipt` takes."""
        names = ("received_on", "amount", "payer", "voucher_number", "invoice_numbers", "invoiced_on", "note")
        return {name: self[name].data for name in names} | {"is_for_plan": self.pays.data == PLAN}


def line_in_words(line: Line) -> str:
    """第 2 期 2026-06-30 验收合格后：应付 300,000.00 元，未到 100,000.00 元."""
    when = f" {line.due_on}" if line.due_on else ""
    return f"第 {line.position} 期{when} {line.condition}：未到 {yuan(line.outstanding)} 元".replace("  ", " ")


class RoyaltyForm(FlaskForm):
    """提成报告: a year's base, and what it comes to."""

    year = WholeNumber("年度", [InputRequired("填写年度，例如 2026")], largest=9999)
    base_amount = MoneyField("提成基数", [InputRequired("填写提成基数；没有的填 0")], unit="wan")
    bounds = RadioField("保底、封顶按", choices=choice_list([(one.value, one.label) for one in Bounds]), default="year")
    amount = MoneyField(
        "应付提成", description="留空按合同约定的比例、保底、封顶计算；与计算不同的，在说明里写明。", unit="wan"
    )
    due_on = DayField("应付日期", [DataRequired("填写按合同应付提成的日期")])
    note = LongText("说明", [_at_most(MOST, "说明")])

    def __init__(self, performance: Performance) -> None:
        super().__init__(data={"year": today().year - 1})
        self.performance, self.contract = performance, performance.contract
        base = self.contract.royalty_base
        self.base_amount.label.text = f"提成基数（{base.label}）" if base else "提成基数"

    @property
    def has_bounds(self) -> bool:
        return self.contract.royalty_floor is not None or self.contract.royalty_cap is not None

    @property
    def reckoned(self) -> Royalty | None:
        """What the terms make of the answers; None while they cannot be read."""
        if self.base_amount.data is None or self.year.data is None:
            return None
        ends_on = self.contract.royalty_ends_on
        earlier = [one.amount for one in self.performance.standing_royalties if one.year < self.year.data]
        bounds = next((one for one in Bounds if one == self.bounds.data), Bounds.YEAR)
        is_last = ends_on is not None and ends_on.year == self.year.data
        return royalty(self.contract, self.base_amount.data, bounds, earlier, last=is_last)

    def validate_year(self, field: WholeNumber) -> None:
        if field.data is None:
            return
        begins, ends = self.contract.royalty_begins_on, self.contract.royalty_ends_on
        if field.data > today().year:
            raise ValidationError(f"年度不能晚于今年（{today().year}）")
        if (begins and field.data < begins.year) or (ends and field.data > ends.year) or field.data < 1985:
            raise ValidationError(f"合同约定的提成期是 {begins or '未填'} 至 {ends or '未填'}，核对年度")
        if any(one.year == field.data for one in self.performance.standing_royalties):
            raise ValidationError(f"{field.data} 年已有提成报告；有误的先作废再登记")

    def validate_base_amount(self, field: MoneyField) -> None:
        if field.data is not None and field.data < 0:
            raise ValidationError("提成基数不能小于 0")

    def validate_amount(self, field: MoneyField) -> None:
        found = self.reckoned
        if field.data is None:
            if found and found.amount is None:
                raise ValidationError("比例是分档约定的，按约定算好应付提成后填写")
        elif field.data < 0:
            raise ValidationError("应付提成不能小于 0")

    def validate_note(self, field: LongText) -> None:
        found = self.reckoned
        differs = found is not None and self.amount.data is not None and self.amount.data != found.amount
        if differs and not field.data:
            raise ValidationError("应付提成与计算的不同，写明为什么")

    def answers(self) -> dict[str, Any]:
        """What `actions.record_royalty` takes."""
        found = self.reckoned
        assert found is not None
        amount = found.amount if self.amount.data is None else self.amount.data
        reasoning = found.reasoning
        if amount != found.amount and amount is not None:
            reasoning += f"；按 {yuan(amount)} 元"
        kept = {name: self[name].data for name in ("year", "base_amount", "due_on", "note")}
        return kept | {"amount": amount, "reasoning": reasoning}


class BenefitForm(FlaskForm):
    """What was drawn on the registration."""

    kind_code = ChoiceField("优惠种类", [DataRequired("选择优惠种类")])
    party = RadioField(
        "谁享受的", [DataRequired("选择卖方还是买方")], choices=choice_list([(one.value, one.label) for one in Party])
    )
    claimed_on = DayField("享受日期", [DataRequired("填写申报或领取的日期"), _not_after_today])
    amount = MoneyField("金额", description="减免的税额或者领到的奖补；不清楚的留空。")
    note = LongText("说明", [_at_most(MOST, "说明")], description="例如所属年度、受理的部门、文号。")

    def __init__(self) -> None:
        super().__init__(data={"party": Party.SELLER.value, "claimed_on": today()})
        self.kind_code.choices = choice_list(choices(BenefitKind, today()), "选择优惠种类")

    def validate_amount(self, field: MoneyField) -> None:
        if field.data is not None and field.data <= 0:
            raise ValidationError("金额要大于 0；不清楚的留空")

    def validate_note(self, field: LongText) -> None:
        if self.kind_code.data == "OTHER" and not field.data:
            raise ValidationError("写明是哪一项优惠")

    def answers(self) -> dict[str, Any]:
        """What `actions.record_benefit` takes."""
        kept = {name: self[name].data for name in ("kind_code", "claimed_on", "amount", "note")}
        return kept | {"party": next(one for one in Party if one == self.party.data)}


class VerificationForm(FlaskForm):
    """核定申请: which receipts of which period, and what of them was paid for goods."""

    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    begins_on = DayField("期间起", [DataRequired("填写期间的第一天")])
    ends_on = DayField("期间止", [DataRequired("填写期间的最后一天"), _not_after_today])
    receipts = CheckList("作为依据的到账", [DataRequired("至少选一笔到账")], coerce=int)
    equipment = MoneyField("设备", unit="wan")
    instrument = MoneyField("仪器", unit="wan")
    part = MoneyField("零部件", unit="wan")
    material = MoneyField("原材料", unit="wan")
    other = MoneyField("其他非技术性费用", unit="wan")
    note = LongText("说明", [_at_most(1000, "说明")], description="扣除的依据，例如采购发票；没有扣除的写明为什么。")

    def __init__(self, free: Sequence[Receipt], draft: Verification | None = None) -> None:
        super().__init__(data=_first(free, draft))
        self.free = free
        self.receipts.choices = [(one.id, receipt_in_words(one)) for one in free]

    @property
    def deduction_fields(self) -> list[MoneyField]:
        return [self[kind.value] for kind in DeductionKind]

    @property
    def chosen(self) -> list[Receipt]:
        return [one for one in self.free if one.id in (self.receipts.data or ())]

    @property
    def deductions(self) -> dict[DeductionKind, Decimal]:
        """What was paid for goods, in 元; kinds that were left blank are not there."""
        return {kind: self[kind.value].data for kind in DeductionKind if self[kind.value].data}

    @property
    def income(self) -> Decimal:
        """元 that are asked for: the chosen receipts less the deductions."""
        received = sum((one.amount for one in self.chosen), Decimal(0))
        return received - sum(self.deductions.values(), Decimal(0))

    def validate_ends_on(self, field: DayField) -> None:
        if field.data and self.begins_on.data and field.data < self.begins_on.data:
            raise ValidationError("期间止早于期间起，核对后重新填写")

    def validate_receipts(self, field: CheckList) -> None:
        first, last = self.begins_on.data, self.ends_on.data
        outside = [one for one in self.chosen if first and last and not first <= one.received_on <= last]
        if outside:
            days = "、".join(str(one.received_on) for one in outside)
            raise ValidationError(f"{days} 到账的不在期间内，改期间或者不选这一笔")

    def validate(self, extra_validators: Any = None) -> bool:
        """Each answer by itself; then whether anything is left of the money."""
        fine = super().validate(extra_validators)
        for field in self.deduction_fields:
            if field.data is not None and field.data < 0:
                field.errors = [*field.errors, "扣除不能小于 0"]
                fine = False
        if fine and self.income <= 0:
            self.form_errors.append("扣除的合计要小于所选到账的合计")
            return False
        return fine

    def answers(self) -> dict[str, Any]:
        """What `actions.request_verification` takes besides receipts and deductions."""
        return {name: self[name].data for name in ("begins_on", "ends_on", "note")}


def _first(free: Sequence[Receipt], draft: Verification | None) -> dict[str, Any]:
    if draft:
        kept = {name: getattr(draft, name) for name in ("version", "begins_on", "ends_on", "note")}
        taken = {line.kind.value: line.amount for line in draft.deductions}
        return kept | taken | {"receipts": [one.id for one in draft.receipts]}
    days: list[date] = [one.received_on for one in free]
    return {
        "begins_on": min(days, default=None),
        "ends_on": max(days, default=None),
        "receipts": [one.id for one in free],
    }


def receipt_in_words(receipt: Receipt) -> str:
    """2026-03-02 300,000.00 元 凭证号 … 发票 …."""
    said = [f"{receipt.received_on} {yuan(receipt.amount)} 元"]
    if receipt.voucher_number:
        said.append(f"凭证号 {receipt.voucher_number}")
    if receipt.invoice_numbers:
        said.append(f"发票 {receipt.invoice_numbers}")
    return "，".join(said)
