"""Words made comparable and findable: one form for what people type, keys for names, pairs and pinyin for search."""

import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs"}  # controls, zero-width and direction marks, halves of characters


_WIDE = "".join(map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))))
_HALF_WIDTH = str.maketrans(_WIDE, unicodedata.normalize("NFKC", _WIDE))


def normalise(text: str) -> str:
    """One line in NFKC form: half-width signs, single spaces, nothing invisible."""
    return " ".join(unicodedata.normalize("NFKC", _visible(text)).split())


def tidy(text: str) -> str:
    """One line as it is to be kept and shown: half-width letters and digits, single blanks, nothing invisible.

    Chinese punctuation stays as it is, unlike in ``normalise``: （福建） is part of a company's registered name.
    """
    return " ".join(_visible(text).translate(_HALF_WIDTH).split())


def _visible(text: str) -> str:
    return "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in _INVISIBLE)


def name_key(name: str) -> str:
    """What two spellings of one company name share: no spaces, brackets or punctuation, lower case."""
    return "".join(sign for sign in normalise(name).lower() if unicodedata.category(sign)[0] not in "PZ")


def search_key(text: str) -> str:
    """Only letters, digits and Chinese characters, half-width, lower case."""
    return "".join(sign for sign in normalise(text).lower() if sign.isalnum())


def bigrams(text: str) -> str:
    """Every pair of neighbours in the search key, with spaces between, for full-text search; a lone sign as it is."""
    key = search_key(text)
    return " ".join(key[at : at + 2] for at in range(len(key) - 1)) or key


def pinyin(text: str) -> str:
    """Full pinyin in one lower-case word, 晋江 as jinjiang; ü is v; letters and digits stay."""
    return search_key("".join(_readings(text)))


def initials(text: str) -> str:
    """First letters, 晋江市 as jjs; letters and digits stay."""
    return search_key("".join(_readings(text, first_letters=True)))


def person_pinyin(name: str) -> str:
    """Pinyin of a person's name, reading the surname as a surname: 曾 as zeng, 尉迟 as yuchi."""
    surname, given = _surname_and_rest(name)
    return "".join(_SURNAMES[surname]) + pinyin(given) if surname else pinyin(name)


def person_initials(name: str) -> str:
    """First letters of a person's name, reading the surname as a surname: 单小明 as sxm."""
    surname, given = _surname_and_rest(name)
    return "".join(word[0] for word in _SURNAMES[surname]) + initials(given) if surname else initials(name)


def _readings(text: str, *, first_letters: bool = False) -> list[str]:
    # Imported here because its dictionaries cost more than the rest of the start-up together.
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(normalise(text), style=Style.FIRST_LETTER if first_letters else Style.NORMAL)


def _surname_and_rest(name: str) -> tuple[str, str]:
    """A surname of the table and the given name, or an empty surname; two-character surnames win."""
    name = search_key(name)
    surname = next((name[:length] for length in (2, 1) if name[:length] in _SURNAMES), "")
    return surname, name[len(surname) :]


# Surnames whose characters are read differently elsewhere (现代汉语词典 gives both readings). Where families differ
# (乐, 覃, 牟, 隗) the more common reading stands. 粘 is a Jinjiang name.
_SURNAMES = {
    surname: reading.split("-")
    for line in (
        "尉迟 yu-chi 长孙 zhang-sun 澹台 tan-tai 万俟 mo-qi 单于 chan-yu 鲜于 xian-yu 令狐 ling-hu 濮阳 pu-yang",
        "柏 bai 贲 ben 秘 bi 薄 bo 卜 bu 查 zha 车 che 谌 chen 种 chong 重 chong 褚 chu 都 du 费 fei 盖 ge 葛 ge",
        "勾 gou 句 gou 谷 gu 冠 guan 过 guo 哈 ha 黑 he 华 hua 纪 ji 祭 zhai 贾 jia 解 xie 阚 kan 粘 nian 乐 yue",
        "缪 miao 牟 mou 宓 mi 乜 nie 那 na 能 nai 佴 nai 宁 ning 区 ou 逄 pang 朴 piao 繁 po 仇 qiu 瞿 qu 阙 que",
        "任 ren 撒 sa 单 shan 折 she 召 shao 莘 shen 盛 sheng 石 shi 宿 su 覃 qin 隗 wei 尉 wei 郗 xi 洗 xian",
        "冼 xian 相 xiang 行 xing 郇 xun 燕 yan 要 yao 叶 ye 应 ying 於 yu 员 yun 臧 zang 藏 zang 曾 zeng 翟 zhai",
        "占 zhan 訾 zi",
    )
    for surname, reading in zip(line.split()[::2], line.split()[1::2], strict=True)
}
