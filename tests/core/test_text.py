import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.text import (
    bigrams,
    initials,
    name_key,
    normalise,
    person_initials,
    person_pinyin,
    pinyin,
    search_key,
)

ROOT = Path(__file__).resolve().parent.parent.parent

office_words = st.text(alphabet="晋江市技术合同𠮷〇ＡＢab12（）()、 -·", min_size=0, max_size=30)


def test_typed_text_becomes_one_clean_line():
    assert normalise("　晋江市\u200b科技局\n（办公室）\t ＡＢ１２ \x00") == "晋江市科技局 (办公室) AB12"


@given(st.text())
def test_clean_text_stays_as_it_is(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_clean_text_can_be_stored(text):
    normalise(text).encode()


@pytest.mark.parametrize(
    "other",
    ["福建(晋江)安踏体育用品有限公司", "福建（晋江） 安踏体育用品有限公司 ", "福建【晋江】安踏体育用品有限公司。"],
)
def test_one_company_has_one_key(other):
    assert name_key(other) == name_key("福建（晋江）安踏体育用品有限公司")


def test_different_companies_have_different_keys():
    assert name_key("福建A+科技有限公司") != name_key("福建A科技有限公司")
    assert name_key("晋江一鸣科技有限公司") != name_key("晋江一鸣科技公司")


def test_the_search_key_keeps_letters_digits_and_characters_only():
    assert search_key("《晋江市》—ＪＪ-2026 №〇") == "晋江市jj2026no〇"
    assert search_key("？！") == ""


def test_bigrams_are_every_pair_of_neighbours():
    assert bigrams("技术合同") == "技术 术合 合同"
    assert bigrams("晋") == "晋"
    assert bigrams("") == ""
    assert bigrams("𠮷田a") == "𠮷田 田a"


@given(office_words, st.data())
def test_a_text_is_found_by_any_part_of_it(text, data):
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    if len(search_key(part)) >= 2:
        assert set(bigrams(part).split()) <= set(bigrams(text).split())


def test_pinyin_of_places_and_companies():
    assert pinyin("晋江市") == "jinjiangshi"
    assert initials("晋江市") == "jjs"
    assert pinyin("安踏（ANTA） 361度") == "antaanta361du"
    assert initials("安踏ANTA") == "atanta"
    assert pinyin("绿色") == "lvse"
    assert pinyin("重庆路") == "chongqinglu"


@pytest.mark.parametrize(
    ("name", "full", "short"),
    [
        ("曾国强", "zengguoqiang", "zgq"),
        ("单小明", "shanxiaoming", "sxm"),
        ("区志远", "ouzhiyuan", "ozy"),
        ("解放", "xiefang", "xf"),
        ("仇和", "qiuhe", "qh"),
        ("查良镛", "zhaliangyong", "zly"),
        ("任重", "renzhong", "rz"),
        ("粘文华", "nianwenhua", "nwh"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("单于明", "chanyuming", "cym"),
        ("尉 健行", "weijianxing", "wjx"),
        ("张三", "zhangsan", "zs"),
        ("欧阳修", "ouyangxiu", "oyx"),
        ("曾", "zeng", "z"),
        ("", "", ""),
    ],
)
def test_surnames_are_read_as_surnames(name, full, short):
    assert person_pinyin(name) == full
    assert person_initials(name) == short


def test_the_dictionaries_wait_until_somebody_needs_them():
    program = "import sys, contracts_app.core.text; sys.exit('pypinyin' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
