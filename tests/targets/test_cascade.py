"""Whether parts add up to the whole: no database, many numbers."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_app.codes.models import Measure
from contracts_app.targets.cascade import Division, Verdict
from contracts_app.targets.values import parse_task, said, shown

AMOUNT, COUNT = Measure(name="成交额", unit="元"), Measure(name="项数", unit="项")
FEN = st.integers(1, 10**14).map(lambda fen: Decimal(fen).scaleb(-2))
COUNTS = st.integers(1, 9_999_999).map(Decimal)


def number(text):
    return Decimal(text.replace(",", ""))


@settings(max_examples=40)
@given(st.sampled_from([AMOUNT, COUNT]), st.data())
def test_what_is_shown_of_the_parts_adds_up_to_what_is_shown_of_their_sum(measure, data):
    values = FEN if measure is AMOUNT else COUNTS
    parts = data.draw(st.lists(st.none() | values, min_size=1, max_size=20))
    division = Division(data.draw(st.none() | values), parts)
    assert sum(number(shown(part, measure)) for part in parts if part) == number(shown(division.total, measure))
    assert division.without == parts.count(None)
    if division.difference is not None:
        assert division.whole + division.difference == division.total


@settings(max_examples=40)
@given(FEN)
def test_an_amount_is_read_as_it_is_shown(value):
    assert parse_task(shown(value, AMOUNT), AMOUNT) == value


@pytest.mark.parametrize(
    ("whole", "parts", "verdict", "words"),
    [
        ("100", ["60", "40"], Verdict.EQUAL, "相等"),
        ("100", ["60", "50"], Verdict.MORE, "分解多于任务 10 项"),
        ("100", ["60", None], Verdict.LESS, "分解少于任务 40 项"),
        (None, ["60", None], Verdict.NO_WHOLE, "没有总任务"),
        ("100", [None, None], Verdict.NOT_DIVIDED, "没有分解"),
    ],
)
def test_what_is_said_of_a_task_and_its_parts(whole, parts, verdict, words):
    division = Division(whole and Decimal(whole), [part and Decimal(part) for part in parts])
    assert (division.verdict, division.words(COUNT)) == (verdict, words)


def test_amounts_are_shown_whole_and_with_their_unit():
    assert said(Decimal("660000000"), AMOUNT) == "66,000.00 万元"
    assert said(Decimal("1200000.01"), AMOUNT) == "120.000001 万元"
    assert said(Decimal("1000"), COUNT) == "1,000 项"


@pytest.mark.parametrize(
    ("text", "measure", "value"),
    [("6.6亿", AMOUNT, "660000000"), ("120", AMOUNT, "1200000"), ("1,200 项", COUNT, "1200"), ("２１７", COUNT, "217")],
)
def test_tasks_as_people_write_them(text, measure, value):
    assert parse_task(text, measure) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "measure"), [("0", AMOUNT), ("-1", COUNT), ("0", COUNT), ("1.5", COUNT), ("一百", COUNT), ("9" * 9, COUNT)]
)
def test_what_is_no_task(text, measure):
    with pytest.raises(ValueError, match=r"任务要大于 0|只填写整数|数字超过"):
        parse_task(text, measure)
