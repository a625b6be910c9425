from datetime import UTC, date, datetime

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from contracts_app.core.codes import (
    CodeError,
    is_patent_number,
    is_software_number,
    mask_address,
    mask_phone,
    mask_resident_id,
    mask_within,
    organisation_code_with_check,
    parse_registration_number,
    parse_resident_id,
    parse_uscc,
    patent_check_is_right,
    patent_number_with_check,
    registration_number_doubts,
    uscc_with_check,
)

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# Public test vectors: Huawei, a Jinjiang firm, Tencent (organisation check X), and one whose organisation check is 0.
REAL = ["914403001922038216", "91350582MA8RFY385R", "9144030071526726XG", "91350582MA334KFK0D"]

codes = st.builds(
    lambda front, organisation: uscc_with_check(front + organisation_code_with_check(organisation)),
    st.text("0123456789", min_size=8, max_size=8),
    st.text(SIGNS, min_size=8, max_size=8),
)


@pytest.mark.parametrize("code", REAL)
def test_real_credit_codes_are_taken(code):
    assert parse_uscc(code) == code


def test_a_credit_code_may_be_typed_in_any_width_and_case():
    assert parse_uscc(" ９１３５０５８２ ma8rfy38-5r\u200b") == "91350582MA8RFY385R"


def test_a_village_organisation_may_begin_with_a_letter():
    code = uscc_with_check("N2350582" + organisation_code_with_check("MF123456"))
    assert parse_uscc(code) == code


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "填写统一社会信用代码"),
        (" － ", "填写统一社会信用代码"),
        ("91350582MA8RFY385", "是 18 位，现在填了 17 位"),
        ("91350582MA8RFY385RR", "是 18 位，现在填了 19 位"),
        ("9135O582MA8RFY385R", "第 5 位是字母 O.*数字 0"),
        ("9I350582MA8RFY385R", "第 2 位是字母 I.*数字 1 看错了"),
        ("91350582MA8RFY38SR", "第 17 位是字母 S.*数字 5"),
        ("91350582MA8RFV385R", "第 14 位是字母 V"),
        ("9135058ZMA8RFY385R", "第 8 位是字母 Z.*数字 2"),
        ("91350582MA8RFY38*R", "第 17 位是“\\*”"),
        ("91350582晋A8RFY385R", "第 9 位是“晋”"),
        ("91A50582MA8RFY385R", "第 3 至 8 位"),
        ("91350582MA8RFY385T", "第 18 位校验码不对"),
        ("91350582MA8RFY835R", "第 18 位校验码不对"),
    ],
)
def test_what_is_no_credit_code_is_refused_with_where_to_look(text, says):
    with pytest.raises(CodeError, match=says):
        parse_uscc(text)


def test_the_right_check_digit_is_not_given_away():
    with pytest.raises(CodeError) as refused:
        parse_uscc("91350582MA8RFY385T")
    assert "R" not in str(refused.value)


def test_a_code_whose_inner_check_digit_is_wrong_is_refused_too():
    with pytest.raises(CodeError, match="主体标识码"):
        parse_uscc(uscc_with_check("91350582MA8RFY386"))


@given(codes)
def test_codes_we_make_pass_here_and_in_an_independent_library(code):
    assert parse_uscc(code) == code
    assert uscc.is_valid(code)


@given(codes, st.integers(0, 17), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_always_noticed(code, place, sign):
    wrong = code[:place] + sign + code[place + 1 :]
    if wrong != code:
        with pytest.raises(CodeError):
            parse_uscc(wrong)


@given(st.text(SIGNS, min_size=18, max_size=18))
def test_nothing_passes_that_an_independent_library_refuses(text):
    assert uscc.is_valid(text) or not taken(text)


def taken(text):
    try:
        return bool(parse_uscc(text))
    except CodeError:
        return False


@pytest.mark.parametrize("wrong", ["", "9135", "9" * 18, "I" * 17])
def test_a_check_digit_needs_seventeen_signs(wrong):
    with pytest.raises(ValueError):
        uscc_with_check(wrong)


def test_an_organisation_check_digit_needs_eight_signs():
    with pytest.raises(ValueError):
        organisation_code_with_check("1234567")


def test_a_registration_number_is_sixteen_digits():
    assert parse_registration_number(" ２０２６3505 0100 0001 ") == "2026350501000001"


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "共 16 位数字"), ("26350501000001", "现在填了 14 位"), ("JJ26350501000001", "只有数字")],
)
def test_what_is_no_registration_number_is_refused(text, says):
    with pytest.raises(CodeError, match=says):
        parse_registration_number(text)


def test_a_registration_number_of_another_time_or_place_is_doubted():
    assert registration_number_doubts("2026350501000001", date(2026, 3, 1)) == []
    assert registration_number_doubts("2025350501000001", date(2026, 1, 5)) == []
    assert len(registration_number_doubts("2024350501000001", date(2026, 3, 1))) == 1
    assert len(registration_number_doubts("2019110501000001", date(2026, 3, 1))) == 2


PATENTS = ["201710601862.3", "ZL 97101765.4", "ＺＬ95115608．x", "CN202410000001.X"]  # the first three: published


@pytest.mark.parametrize("number", PATENTS)
def test_patent_numbers_of_both_forms_are_taken(number):
    assert is_patent_number(number)
    assert patent_check_is_right(number)


@pytest.mark.parametrize("number", ["", "ZL2024", "202410000001", "202440000001.2", "189410000001.X", "US10000001.X"])
def test_what_is_no_patent_number(number):
    assert not is_patent_number(number)


@given(st.from_regex(r"20[0-9]{2}[12389][0-9]{7}|[0-9]{2}[12389][0-9]{5}", fullmatch=True), st.integers(0, 11))
def test_one_wrong_digit_of_a_patent_number_is_noticed(digits, place):
    number = patent_number_with_check(digits)
    assert patent_check_is_right(number)
    place %= len(digits)
    wrong = str((int(digits[place]) + 1) % 10)
    assert not patent_check_is_right(f"{digits[:place]}{wrong}{digits[place + 1 :]}{number[-2:]}")


def test_a_software_copyright_has_year_and_sr():
    assert is_software_number("2021SR1234567")
    assert is_software_number("2010sr012345")
    assert not is_software_number("软著登字第1号")


def test_the_sample_identity_number_of_the_standard_is_taken():
    assert parse_resident_id("11010519491231002x") == "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "填写公民身份号码"),
        ("110105491231002", "现在填了 15 位"),
        ("1101051949123100AX", "前 17 位是数字"),
        ("99010519491231002X", "没有以 99 开头"),
        ("11010519490231002X", "1949 年 2 月没有 31 日"),
        ("110105209901010025", "2099-01-01 不会是"),
        ("110105189901010025", "1899-01-01 不会是"),
        ("110105194912310021", "末位校验码不对"),
    ],
)
def test_what_is_no_identity_number_is_refused(text, says):
    with time_machine.travel(datetime(2026, 11, 21, tzinfo=UTC)), pytest.raises(CodeError, match=says):
        parse_resident_id(text)


def test_an_identity_number_with_a_county_that_is_gone_is_taken():
    assert parse_resident_id("350582198001010015") == "350582198001010015"


def test_lists_show_masked_numbers():
    assert mask_resident_id("11010519491231002X") == "110105********002X"
    assert mask_phone("13800001234") == "138****1234"
    assert mask_phone("0595-85661234") == "059******1234"


def test_a_short_number_shows_nothing():
    assert mask_resident_id("123456789") == "*********"
    assert mask_phone("85661234") == "********"
    assert mask_phone("") == ""


def test_an_address_shows_its_province_at_most():
    assert mask_address("福建省晋江市示范路 8 号") == "福建省***"
    assert mask_address("示范路 8") == "*" * 5
    assert mask_address("") == ""


def test_numbers_that_somebody_typed_into_a_text_are_masked():
    told = "找 13812345678 或 0595-85661234（身份证 11010519491231002X）"
    assert mask_within(told) == "找 138****5678 或 059******1234（身份证 110105********002X）"
    for text in ("2026350500000123", "JJ-JSHT-2026-00231", "2026-03-01 到 2026-12-31", "1,200,000.00 元", "晋江"):
        assert mask_within(text) == text
