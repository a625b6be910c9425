from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.money import LARGEST, MoneyError, capitals, from_fen, parse_yuan, to_fen, wan, yi, yuan

amounts = st.integers(min_value=0, max_value=to_fen(LARGEST)).map(from_fen)


@pytest.mark.parametrize(
    "text",
    [
        "1200000",
        "1,200,000",
        "1，200，000",
        "1,200,000.00",
        "１２０００００",
        "１，２００，０００．００",
        " 1 200 000 ",
        "￥1,200,000",
        "¥ 1200000.0",
        "1200000元",
        "1200000圆整",
        "人民币1,200,000元整",
        "120,0000",
        "120万",
        "120 万 元",
        "１２０萬元",
        "1.2百万",
        "1200千元",
        "0.012亿",
    ],
)
def test_one_amount_may_be_written_in_many_ways(text):
    assert parse_yuan(text) == Decimal("1200000.00")


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.5亿", "150000000.00"), (".5", "0.50"), ("0", "0.00"), ("1.10000", "1.10"), ("3千万", "30000000.00")],
)
def test_amounts_that_people_type(text, amount):
    assert str(parse_yuan(text)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("120", "1200000"),
        ("0.000001", "0.01"),
        ("120元", "120"),
        ("￥120", "120"),
        ("2亿", "200000000"),
        ("￥2万", "20000"),
    ],
)
def test_a_unit_in_the_text_wins_over_the_unit_of_the_field(text, amount):
    assert parse_yuan(text, unit="wan") == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "填写金额"),
        ("　 ", "填写金额"),
        ("一百二十万", "只填写数字"),
        ("约120万", "只填写数字"),
        ("1.2.3", "只填写数字"),
        ("1e5", "只填写数字"),
        ("$100", "只填写数字"),
        ("NaN", "只填写数字"),
        ("元", "只填写数字"),
        (".", "只填写数字"),
        ("٣٤", "只填写数字"),
        ("-5", "不能是负数"),
        ("－5万", "不能是负数"),
        ("¥-5", "不能是负数"),
        ("1.005", "精确到分"),
        ("100.123元", "精确到分"),
        ("0.0000001亿亿", "只填写数字"),
        ("0.00000001万", "精确到分"),
        ("1,20", "逗号的位置"),
        ("1,2,3", "逗号的位置"),
        ("12 3", "逗号的位置"),
        ("9,999,999,999,999.995", "精确到分"),
        ("10,000,000,000,000", "超过 9,999,999,999,999.99 元"),
        ("10万亿", "超过 9,999,999,999,999.99 元"),
        ("9" * 60, "写得太长"),
    ],
)
def test_what_cannot_be_an_amount_is_refused_with_what_to_do(text, says):
    with pytest.raises(MoneyError, match=says):
        parse_yuan(text)


def test_a_part_of_a_fen_is_never_dropped_silently_in_ten_thousands():
    assert parse_yuan("1.234567", unit="wan") == Decimal("12345.67")
    with pytest.raises(MoneyError, match="精确到分"):
        parse_yuan("1.2345678", unit="wan")


@given(amounts)
def test_what_is_shown_can_be_typed_back(amount):
    assert parse_yuan(yuan(amount)) == amount
    assert parse_yuan(yuan(amount), unit="yuan") == parse_yuan(f"{yuan(amount)}元", unit="wan")


@given(amounts)
def test_fen_and_yuan_are_the_same_money(amount):
    assert from_fen(to_fen(amount)) == amount


@given(st.text(max_size=50))
def test_any_other_text_is_an_amount_or_a_sentence(text):
    try:
        amount = parse_yuan(text)
    except MoneyError:
        return
    assert 0 <= amount <= LARGEST


def test_parts_of_a_fen_have_no_place_in_the_database():
    with pytest.raises(MoneyError, match="精确到分"):
        to_fen(Decimal("0.001"))


def test_shown_amounts_round_half_up():
    assert yuan(Decimal(1200000)) == "1,200,000.00"
    assert yuan(Decimal("0.125")) == "0.13"
    assert yuan(Decimal("-0.001")) == "0.00"
    assert yuan(Decimal("-1234.5")) == "-1,234.50"
    assert wan(Decimal("1200000")) == "120.00"
    assert wan(Decimal("50")) == "0.01"
    assert wan(Decimal("49.99")) == "0.00"
    assert wan(Decimal("12345678900")) == "1,234,567.89"
    assert yi(Decimal("600500000")) == "6.01"
    assert yi(LARGEST) == "100,000.00"


# The first six are the examples of 支付结算办法 附件一; the rest follow its rules.
@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "壹拾万柒仟元零伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("0", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角"),
        ("10", "壹拾元整"),
        ("1200000", "壹佰贰拾万元整"),
        ("100000001", "壹亿零壹元整"),
        ("1000010000", "壹拾亿零壹万元整"),
        ("1000000000000", "壹万亿元整"),
        ("1000100000000", "壹万零壹亿元整"),
        ("9999999999999.99", "玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals(amount, words):
    assert capitals(Decimal(amount)) == words


@given(amounts)
def test_capitals_read_back_to_the_same_amount(amount):
    assert read_capitals(capitals(amount)) == amount


@given(amounts)
def test_capitals_never_say_zero_twice_or_at_the_end(amount):
    words = capitals(amount)
    assert "零零" not in words
    assert words == "零元整" or not any(f"零{sign}" in words for sign in "拾佰仟万亿元角分整")


@pytest.mark.parametrize("amount", ["-0.01", "10000000000000", "0.005"])
def test_capitals_refuse_what_no_contract_can_say(amount):
    with pytest.raises(MoneyError):
        capitals(Decimal(amount))


def read_capitals(words):
    """Reads left to right with one running number, another way than the one they were written in."""
    digits = {sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
    steps = {"拾": 10, "佰": 100, "仟": 1000}
    fen = high = low = digit = 0
    for sign in words:
        if sign in digits:
            digit = digits[sign]
        elif sign in steps:
            low, digit = low + digit * steps[sign], 0
        elif sign == "万":
            high, low, digit = high + (low + digit) * 10**4, 0, 0
        elif sign == "亿":
            high, low, digit = (high + low + digit) * 10**8, 0, 0
        elif sign == "元":
            fen, digit = (high + low + digit) * 100, 0
        elif sign == "角":
            fen, digit = fen + digit * 10, 0
        elif sign == "分":
            fen, digit = fen + digit, 0
    return from_fen(fen)
