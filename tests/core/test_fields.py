"""Form fields take what people type, and keep it as typed with the reason beside it when it is wrong."""

from datetime import date
from decimal import Decimal

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form
from wtforms.validators import DataRequired, InputRequired

from contracts_app.core.web.fields import (
    ChoiceField,
    CreditCodeField,
    DayField,
    LongText,
    MoneyField,
    ShortText,
    YesNoField,
    choice_list,
)


class Paper(Form):
    title = ShortText("名称")
    note = LongText("说明")
    amount = MoneyField("金额", [InputRequired("填写金额")])
    needed = MoneyField("另一个金额", [DataRequired("填写另一个金额")])
    day = DayField("日期", [DataRequired("填写日期")])
    code = CreditCodeField("代码")
    kind = ChoiceField("类型", choices=choice_list([("KF1", "委托开发"), ("FW1", "技术服务")], "选择类型"))
    answer = YesNoField("是否")


GOOD = {"amount": "100", "needed": "1", "day": "2026-01-02"}


def filled(**answers):
    form = Paper(MultiDict({**GOOD, **answers}))
    form.validate()
    return form


@pytest.mark.parametrize(
    ("typed", "unit", "yuan"),
    [
        ("1200000", "yuan", "1200000.00"),
        ("1，200，000", "yuan", "1200000.00"),
        ("１２０万", "yuan", "1200000.00"),
        ("120", "wan", "1200000.00"),
        ("120.5", "wan", "1205000.00"),
        ("￥5", "wan", "5.00"),
        ("0", "yuan", "0.00"),
    ],
)
def test_an_amount_is_read_in_the_unit_beside_it(typed, unit, yuan):
    form = filled(amount=typed, amount_unit=unit)
    assert form.errors == {}
    assert form.amount.data == Decimal(yuan)
    assert form.amount._value() == typed, "what was typed is shown again as it was typed"


@pytest.mark.parametrize("typed", ["abc", "-5", "1.234", "1,2,3", "壹佰", "9" * 30, "1e5", "NaN", "Infinity", "1 2 3"])
@pytest.mark.parametrize("field", ["amount", "needed"])
def test_an_amount_that_cannot_be_read_keeps_the_text_and_one_reason(field, typed):
    form = filled(**{field: typed})
    assert form[field].data is None
    assert form[field]._value() == typed
    (reason,) = form[field].errors
    assert "填写金额" not in reason or "例如" in reason
    assert reason != "填写另一个金额"


@pytest.mark.parametrize(
    ("field", "reason"), [("amount", "填写金额"), ("needed", "填写另一个金额"), ("day", "填写日期")]
)
@pytest.mark.parametrize("typed", ["", "   ", "　"])
def test_a_blank_is_asked_for(field, reason, typed):
    form = filled(**{field: typed})
    assert list(form[field].errors) == [reason]


@pytest.mark.parametrize("unit", ["euro", "", "万", "yuan'", "wan "])
def test_a_unit_nobody_offered_is_the_fields_own(unit):
    assert filled(amount="5", amount_unit=unit).amount.data == Decimal(5)


def test_a_known_amount_appears_in_the_unit():
    form = Paper(data={"amount": Decimal("1234567.80")})
    assert form.amount._value() == "1,234,567.80"
    form.amount.unit = "wan"
    assert form.amount._value() == "123.45678"
    form.amount.data = Decimal("1200000.00")
    assert form.amount._value() == "120"


@pytest.mark.parametrize("typed", ["2026-3-1", "2026年3月1日", "２０２６／３／１", "20260301", "2026.03.01"])
def test_a_day_is_read_in_the_usual_ways(typed):
    assert filled(day=typed).day.data == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("typed", "says"), [("2026-02-31", "2 月没有 31 日"), ("31/02/2026", "2026-03-01"), ("x", "样子")]
)
def test_a_day_that_is_none_says_why(typed, says):
    form = filled(day=typed)
    assert says in form.day.errors[0]
    assert len(form.day.errors) == 1
    assert form.day._value() == typed


@pytest.mark.parametrize("typed", ["91350582MA2XN3RE5X", "91350582MAIOSVZ005", "123", "<script>"])
def test_a_code_that_is_wrong_stays_in_the_field(typed):
    form = filled(code=typed)
    assert form.code.errors
    assert form.code._value() == typed


def test_texts_are_tidied_and_lines_kept():
    form = filled(title="  ＡＢＣ\u200b  公司\t名称 ", note=" 第一行 \r\n\r\n第二行\u200b ")
    assert form.title.data == "ABC 公司 名称"
    assert form.note.data == "第一行\n\n第二行"


@pytest.mark.parametrize("typed", ["KF9", "kf1", "KF1 ", "None", "0"])
def test_a_choice_that_is_not_in_the_list_is_refused(typed):
    assert filled(kind=typed).kind.errors == ["选择列表里有的一项"]


def test_a_choice_may_be_left_open():
    form = filled(kind="")
    assert form.errors == {}
    assert form.kind.data is None
    assert filled(kind="FW1").kind.data == "FW1"


@pytest.mark.parametrize(
    ("typed", "value"), [("yes", True), ("no", False), ("", None), ("maybe", None), ("True", None)]
)
def test_yes_no_and_not_answered_are_three_things(typed, value):
    assert filled(answer=typed).answer.data is value


def test_yes_or_no_already_known_is_marked():
    for value, label in ((True, "是"), (False, "否")):
        form = Paper(data={"answer": value})
        assert [option.label.text for option in form.answer if option.checked] == [label]
