"""Money as people write it: read from sloppy input, shown in 元, 万元, 亿元 and Chinese capitals.

In Python an amount is always a `Decimal` in 元 with two places; the database holds integer 分.
"""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

FEN = Decimal("0.01")

# Below 10^13 元, so that 分 also stay whole numbers in JavaScript (2^53).
LARGEST = Decimal("9999999999999.99")

_LONGEST_INPUT = 40
_EXAMPLE = "例如 1,200,000 或 120万"
_SCALES = {
    "元": 1,
    "千": 1_000,
    "万": 10_000,
    "百万": 1_000_000,
    "千万": 10_000_000,
    "亿": 100_000_000,
    "万亿": 1_000_000_000_000,
}
_AMOUNT = re.compile(
    r"(?:人民币|RMB|CNY)?"
    r"(?P<sign_before>¥)?"
    r"(?P<minus>-)?"
    r"(?P<number>[0-9,]*(?:\.[0-9]*)?)"
    r"(?P<scale>百万|千万|万亿|千|万|亿)?"
    r"(?P<yuan>元|¥)?"
    r"[整正]?",
    re.IGNORECASE,
)
# 1200000, 1,200,000, or by four as some people write it: 120,0000.
_WHOLE = re.compile(r"[0-9]*|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,4}(?:,[0-9]{4})+")


class MoneyError(ValueError):
    """An amount nobody can take as written; the sentence says what to write instead."""


def parse_yuan(text: str, unit: Literal["yuan", "wan"] = "yuan") -> Decimal:
    """The amount in 元 a person meant, never rounded; `unit` counts where the text names none, else MoneyError.

    Takes full-width digits, commas by three or four, spaces, ￥, 元, 万, 亿. ￥ or 元 in the text means 元.
    """
    written = _tidied(text)
    if not written:
        raise MoneyError(f"填写金额，{_EXAMPLE}。")
    if len(written) > _LONGEST_INPUT:
        raise MoneyError(f"金额写得太长，只填写一个数字，{_EXAMPLE}。")
    match = _AMOUNT.fullmatch(written)
    if not match or not re.search("[0-9]", written):
        raise MoneyError(f"金额只填写数字，可以带“万”或“亿”，{_EXAMPLE}。")
    if match["minus"]:
        raise MoneyError("金额不能是负数，去掉负号后填写。")
    if not _WHOLE.fullmatch(match["number"].partition(".")[0]):
        raise MoneyError("逗号的位置看不明白，去掉逗号后填写；小数点用“.”。")
    return _exact_yuan(Fraction(_bare(match["number"])) * _scale(match, unit))


def _tidied(text: str) -> str:
    """Half-width, simplified unit signs, one comma for every gap between digits, no other spaces."""
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS).strip()
    text = re.sub(r"(?<=[0-9])\s+(?=[0-9])", ",", text)
    return re.sub(r"\s+", "", text)


_SIGNS = str.maketrans(
    {
        "萬": "万",
        "億": "亿",
        "圆": "元",
        "圓": "元",
        "负": "-",
        "−": "-",
        "–": "-",
        "—": "-",
        "\u200b": "",
        "\ufeff": "",
    }
)


def _bare(number: str) -> str:
    """What `Fraction` reads: no commas, digits on both sides of the point."""
    whole, _, part = number.replace(",", "").partition(".")
    return f"{whole or 0}.{part or 0}"


def _scale(match: re.Match[str], unit: str) -> int:
    if match["scale"]:
        return _SCALES[match["scale"]]
    if match["yuan"] or match["sign_before"] or unit == "yuan":
        return _SCALES["元"]
    return _SCALES["万"]


def _exact_yuan(value: Fraction) -> Decimal:
    fen = value * 100
    if fen.denominator != 1:
        raise MoneyError("金额精确到分：换算成元后最多两位小数，去掉多余的小数位后填写。")
    if value > LARGEST:
        raise MoneyError(f"金额超过 {yuan(LARGEST)} 元，核对是否多填了 0 或选错了单位。")
    return from_fen(fen.numerator)


def to_fen(amount: Decimal) -> int:
    """Whole 分 for an amount in 元; MoneyError if it has parts of a 分."""
    fen = amount * 100
    if fen != fen.to_integral_value():
        raise MoneyError("金额精确到分：最多两位小数，去掉多余的小数位后填写。")
    return int(fen)


def from_fen(fen: int) -> Decimal:
    """The amount in 元, two places, for whole 分."""
    return Decimal(fen).scaleb(-2).quantize(FEN)


def yuan(amount: Decimal) -> str:
    """An amount in 元 as `1,200,000.00`, half up."""
    return _two_places(amount)


def wan(amount: Decimal) -> str:
    """An amount in 元 shown in 万元 as `120.00`, half up. Sum first, then show (domain notes 4.1)."""
    return _two_places(amount.scaleb(-4))


def yi(amount: Decimal) -> str:
    """An amount in 元 shown in 亿元 as `6.01`, half up."""
    return _two_places(amount.scaleb(-8))


def _two_places(number: Decimal) -> str:
    rounded = number.quantize(FEN, ROUND_HALF_UP)
    return f"{rounded + 0:,}"  # + 0 turns -0.00 into 0.00


_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def capitals(amount: Decimal) -> str:
    """An amount in 元 in capitals, 壹佰贰拾万元整, without 人民币; MoneyError if negative or above LARGEST.

    Source: 支付结算办法 (银发〔1997〕393号) 附件一《正确填写票据和结算凭证的基本规定》 1, 2 and 4. Where it leaves
    a choice: no 整 after 角; a 元 place of 0 before a 角 that is not 0 gives 零 (壹仟陆佰捌拾元零叁角贰分).
    """
    if not 0 <= amount <= LARGEST:
        raise MoneyError(f"大写金额只能写 0 至 {yuan(LARGEST)} 元，核对金额后填写。")
    whole, cents = divmod(to_fen(amount), 100)
    jiao, fen = divmod(cents, 10)
    if not cents:
        return f"{_whole(whole) or '零'}元整"
    words = f"{_whole(whole)}元" if whole else ""
    if whole and (jiao == 0 or whole % 10 == 0):
        words += "零"
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    return words + (f"{_DIGITS[fen]}分" if fen else "")


def _whole(number: int) -> str:
    """Capitals of a whole number, empty for 0."""
    for size, sign in ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾")):
        if number >= size:
            high, low = divmod(number, size)
            gap = "零" if 0 < low < size // 10 else ""
            return f"{_whole(high)}{sign}{gap}{_whole(low)}"
    return _DIGITS[number] if number else ""
