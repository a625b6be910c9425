"""Which passwords are guessed first: the common ones of the world, and those everybody here would think of.

The 30,000 common ones come with the package zxcvbn (MIT); nothing is asked of the internet. Local words are those of
the table of regions, of this product, and of the person. A password is judged by what is left of it when capitals,
look-alikes (``P@ssw0rd``), separators, and digits at its ends are taken for what they are.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from sqlalchemy import select

from contracts_app.core.db import db
from contracts_app.core.text import initials, person_initials, person_pinyin, pinyin
from contracts_app.regions.models import Level, Region
from contracts_app.regions.queries import home_path

COMMON = "这是常见的密码，别人会先试它；换一个想不到的"
LOCAL = "密码只由地名、单位名、系统名或自己的姓名加数字组成，容易猜到；换一个想不到的"
NAME_INSIDE = "密码里不能有自己姓名的拼音"
PATTERN = "密码只是重复或连着数的字符，容易猜到；换一个想不到的"

# What everybody in a science bureau would think of, and the product's own words.
WORDS = (
    "科技局 科学技术局 科技 科技部 科技厅 福建 福建省 泉州 泉州市 市政府 政府 技术合同 合同 技术 认定 登记 认定登记 "
    "登记系统 跟踪系统 系统 管理员 审核员 登记员 审计员 经纪人 密码 登录 欢迎 你好 我爱你 我爱 祖国 中国 火炬 成果转化 "
    "电子政务 政务网 办公室 局长 领导 晋江科技 晋江经验"
)
ENGLISH = (
    "admin administrator password passwd pass welcome contract contracts register registrar reviewer auditor manager "
    "broker technology torch keji fujian china gov test demo user login system office"
)
SHORT = 6
SHORTEST_INSIDE = 5  # a name's pinyin of fewer letters stands in other words by chance
LOOK_ALIKES = (
    str.maketrans("@4031!5$78", "aaoeiisstb"),
    str.maketrans("@4031!5$78", "aaoellsstb"),
)
SEPARATORS = re.compile(r"[\W_]+")
ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
REPEATED = re.compile(r"(.{1,12})\1+.{0,5}")


def why(password: str, *, name: str = "", username: str = "") -> str:
    """Why this password would be guessed, in a sentence; empty when nothing speaks for it."""
    typed = unicodedata.normalize("NFKC", password).lower()
    if _is_pattern(typed):
        return PATTERN
    own = _own_words(name, username)
    full = person_pinyin(name)
    if len(full) >= SHORTEST_INSIDE and full in SEPARATORS.sub("", typed):
        return NAME_INSIDE
    cores = list(_cores(typed))
    if any(core in common() for core in cores):
        return COMMON
    words = local() | own
    return LOCAL if any(_is_made_of(core, words) for core in cores) else ""


def _cores(typed: str) -> Iterator[str]:
    """What a password comes down to, in every way it can be read."""
    seen = set()
    stripped = ENDS.sub("", typed)
    for whole in (typed, stripped):
        for read in (whole, *(whole.translate(alikes) for alikes in LOOK_ALIKES)):
            for core in (read, SEPARATORS.sub("", read), ENDS.sub("", SEPARATORS.sub("", read))):
                if core not in seen:
                    seen.add(core)
                    yield core


def _is_pattern(typed: str) -> bool:
    """One short piece again and again, or signs counted up or down."""
    around = 10 if typed.isdigit() else 10_000  # after 9 comes 0
    steps = {(ord(after) - ord(before)) % around for before, after in pairwise(typed)}
    return len(set(typed)) < 4 or bool(REPEATED.fullmatch(typed)) or len(steps) == 1


def _is_made_of(core: str, words: frozenset[str]) -> bool:
    """Whether the core is one of the words or several behind one another, digits between them aside."""
    core = re.sub(r"\d+", "", core)
    # Two letters stand for so many places that pairs of them spell anything long.
    words = words if len(core) <= SHORT else frozenset(word for word in words if len(word) > 2)
    reached = {0}
    for end in range(1, len(core) + 1):
        if any(core[start:end] in words for start in reached):
            reached.add(end)
    return bool(core) and len(core) in reached


@cache
def common() -> frozenset[str]:
    """The common passwords of the world, in lower case."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # read when somebody sets a password: it takes 20 MB and 60 ms

    return frozenset(word.lower() for word in FREQUENCY_LISTS["passwords"])


@cache
def local() -> frozenset[str]:
    """Places of this city and above it, units and towns, the office's and the product's words, in letters."""
    words = set(ENGLISH.split())
    for word in WORDS.split():
        words |= {word, pinyin(word), initials(word)}
    home = home_path()
    for place in db.session.scalars(select(Region).where(Region.level != Level.COUNTRY)):
        words |= {place.name, place.short_name, place.pinyin, pinyin(place.short_name)}
        if place.path.startswith(home):
            words |= {place.initials, initials(place.short_name)}
    return frozenset(word.lower() for word in words if len(word) > 1)


def _own_words(name: str, username: str) -> frozenset[str]:
    surname_last = person_pinyin(name[1:]) + person_pinyin(name[:1]) if len(name) > 1 else ""
    words = {name, person_pinyin(name), person_initials(name), surname_last, username}
    words |= {pinyin(sign) for sign in name}
    words |= set(re.split(r"[\W\d_]+", username))
    return frozenset(word.lower() for word in words if len(word) > 1)
