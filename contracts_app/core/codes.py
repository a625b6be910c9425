"""Identity numbers of organisations, people and registered contracts: read, checked, masked.

A number comes back in its one stored form or a `CodeError` says what to look at. No sentence gives away a right check
digit: the person is to look at the document, not to copy ours.
"""

import re
import unicodedata
from datetime import date

from .clock import DayError, parse_day, today


class CodeError(ValueError):
    """A number that cannot be right; the sentence says where to look."""


def _compact(text: str) -> str:
    """Half-width, upper case, without spaces, hyphens and invisible signs."""
    upper = unicodedata.normalize("NFKC", text).upper()
    return "".join(
        sign for sign in upper if not sign.isspace() and unicodedata.category(sign) not in ("Pd", "Cf", "Cc")
    )


# --- 统一社会信用代码, GB 32100-2015; inside it the organisation code, GB 11714-1997 ---

_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_MISREAD = {"I": "数字 1", "O": "数字 0", "S": "数字 5", "V": "字母 U 或 Y", "Z": "数字 2"}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def parse_uscc(text: str) -> str:
    """The 18 characters of a 统一社会信用代码 (GB 32100-2015), upper case, both check digits right; else CodeError.

    Its digits 3 to 8 are the registering authority, which may be a city or a province: never read the county from them.
    """
    code = _compact(text)
    if not code:
        raise CodeError("填写统一社会信用代码，共 18 位，见营业执照或登记证书。")
    if len(code) != 18:
        raise CodeError(f"统一社会信用代码是 18 位，现在填了 {len(code)} 位，对照营业执照补齐或删去多余的。")
    for place, sign in enumerate(code, start=1):
        _refuse_foreign_sign(sign, place)
    if not code[2:8].isdigit():
        raise CodeError("第 3 至 8 位是登记机关所在地的代码，只有数字，对照营业执照逐位核对。")
    if uscc_with_check(code[:17]) != code:
        raise CodeError("第 18 位校验码不对，前面可能有一位填错了，对照营业执照逐位核对。")
    if organisation_code_with_check(code[8:16]) != code[8:17]:
        raise CodeError("第 9 至 17 位（主体标识码）前后对不上，可能有两位填错了，对照营业执照逐位核对。")
    return code


def _refuse_foreign_sign(sign: str, place: int) -> None:
    if sign in _MISREAD:
        raise CodeError(
            f"第 {place} 位是字母 {sign}，统一社会信用代码不用 I、O、S、V、Z，"
            f"可能是把{_MISREAD[sign]} 看错了，对照营业执照改过来。"
        )
    if sign not in _USCC_SIGNS:
        raise CodeError(f"第 {place} 位是“{sign}”，统一社会信用代码只有数字和大写字母，对照营业执照改过来。")


def uscc_with_check(first17: str) -> str:
    """All 18 characters for the first 17 (GB 32100-2015, modulus 31); ValueError if they are not 17 such characters."""
    if len(first17) != 17:
        raise ValueError("The check digit is made from 17 characters.")
    total = sum(_USCC_SIGNS.index(sign) * weight for sign, weight in zip(first17, _USCC_WEIGHTS, strict=True))
    return first17 + _USCC_SIGNS[-total % 31]


def organisation_code_with_check(first8: str) -> str:
    """All 9 characters of an organisation code for the first 8 (GB 11714-1997); ValueError if they are not 8."""
    if len(first8) != 8:
        raise ValueError("The check digit is made from 8 characters.")
    total = sum(int(sign, 36) * weight for sign, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return first8 + "0123456789X"[-total % 11]


# --- the national registration number of a technology contract ---


def parse_registration_number(text: str) -> str:
    """The 16 digits of a national registration number, as text; else CodeError. How it is made up is not published."""
    number = _compact(text)
    if not number:
        raise CodeError("填写全国技术合同登记编号，共 16 位数字，见登记证明。")
    if not re.fullmatch("[0-9]+", number):
        raise CodeError("全国技术合同登记编号只有数字，对照登记证明改过来。")
    if len(number) != 16:
        raise CodeError(f"全国技术合同登记编号是 16 位数字，现在填了 {len(number)} 位，对照登记证明核对。")
    return number


def registration_number_doubts(number: str, registered_on: date) -> list[str]:
    """What deserves a second look in a well-formed number; year and place in it are inferred, so nothing is refused."""
    doubts = []
    if abs(int(number[:4]) - registered_on.year) > 1:
        doubts.append(f"编号以 {number[:4]} 开头，登记日期在 {registered_on.year} 年，核对编号和登记日期。")
    if number[4:8] != "3505":
        doubts.append(f"编号第 5 至 8 位是 {number[4:8]}，泉州市的编号一般是 3505，核对编号。")
    return doubts


# --- rights: patents and software copyrights ---

_PATENT = re.compile(r"(?:ZL|CN)?((?:19|20)\d{2}[12389]\d{7}|\d{2}[12389]\d{5})[.．]?([0-9X])")
_SOFTWARE = re.compile(r"(?:19|20)\d{2}SR\d{6,7}")


def is_patent_number(text: str) -> bool:
    """Whether it has the form of a Chinese patent or application number, with or without ZL or CN before it.

    Since October 2003: year, kind, seven digits, check digit (ZL202410123456.0); before: two digits of the year, kind,
    five digits, check digit.
    """
    return bool(_PATENT.fullmatch(_compact(text)))


def patent_check_is_right(text: str) -> bool:
    """Whether a number of that form has the check digit its other digits call for (weights 2 to 9, mod 11)."""
    found = _PATENT.fullmatch(_compact(text))
    return bool(found and patent_number_with_check(found[1])[-1] == found[2])


def patent_number_with_check(digits: str) -> str:
    """The number with its check digit, 202410123456.0, for its 8 or 12 digits; ValueError for anything else."""
    if len(digits) not in (8, 12) or not re.fullmatch("[0-9]+", digits):
        raise ValueError("The check digit is made from 8 or 12 digits.")
    total = sum(int(sign) * (place % 8 + 2) for place, sign in enumerate(digits))
    return f"{digits}.{'0123456789X'[total % 11]}"


def is_software_number(text: str) -> bool:
    """Whether it has the form of a 计算机软件著作权 registration, such as 2021SR1234567."""
    return bool(_SOFTWARE.fullmatch(_compact(text)))


# --- 居民身份证, GB 11643-1999 ---

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PROVINCES = frozenset(
    str(province)
    for region in (
        range(11, 16),
        range(21, 24),
        range(31, 38),
        range(41, 47),
        range(50, 55),
        range(61, 66),
        (71, 81, 82, 83),
    )
    for province in region
)


def parse_resident_id(text: str) -> str:
    """The 18 characters of a resident identity number (GB 11643-1999); else CodeError.

    Checked: province, a birth date that is not to come, check digit. Not the county: codes before the 1990s have gone.
    """
    number = _compact(text)
    if not number:
        raise CodeError("填写公民身份号码，共 18 位。")
    if len(number) != 18:
        raise CodeError(f"公民身份号码是 18 位，现在填了 {len(number)} 位，对照身份证核对。")
    if not re.fullmatch("[0-9]{17}[0-9X]", number):
        raise CodeError("公民身份号码前 17 位是数字，末位是数字或 X，对照身份证改过来。")
    if number[:2] not in _PROVINCES:
        raise CodeError(f"没有以 {number[:2]} 开头的公民身份号码，核对前两位。")
    _refuse_birth_date(number[6:14])
    if _resident_check(number[:17]) != number[17]:
        raise CodeError("末位校验码不对，前面可能有一位填错了，对照身份证逐位核对。")
    return number


def _refuse_birth_date(digits: str) -> None:
    try:
        born_on = parse_day(digits)
    except DayError as wrong:
        raise CodeError(f"第 7 至 14 位应是出生日期：{wrong}") from wrong
    if not date(1900, 1, 1) <= born_on <= today():
        raise CodeError(f"第 7 至 14 位是出生日期，{born_on:%Y-%m-%d} 不会是，核对这几位。")


def _resident_check(first17: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first17, _RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


# --- what lists may show ---


def mask_resident_id(number: str) -> str:
    """First 6 and last 4 characters, stars between; only stars for anything shorter than an identity number."""
    return _masked(number, first=6, last=4, shortest=15)


def mask_name(name: str) -> str:
    """A natural person's name with the family name alone: 王**."""
    return name[:1] + "*" * (len(name) - 1)


def mask_phone(number: str) -> str:
    """First 3 and last 4 characters, stars between; only stars for anything shorter than a mobile number."""
    return _masked(number, first=3, last=4, shortest=11)


def mask_address(address: str) -> str:
    """Where somebody lives, as far as the province or city: 福建省***; only stars where there is not more of it."""
    return f"{address[:3]}***" if len(address) > 6 else "*" * len(address)


_NUMBERS = re.compile(r"(?<![0-9])(?:[1-9][0-9]{16}[0-9Xx]|1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})(?![0-9Xx])")


def mask_within(text: str) -> str:
    """A text that people wrote, with what looks like an identity number or telephone number in it masked."""
    return _NUMBERS.sub(lambda found: _masked_number(found[0]), text)


def _masked_number(number: str) -> str:
    return mask_resident_id(number) if len(number) == 18 else _masked(number, first=3, last=4, shortest=10)


def _masked(text: str, *, first: int, last: int, shortest: int) -> str:
    if len(text) < shortest:
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[-last:]
