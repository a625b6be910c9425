"""PDF pages from data, with Chinese fonts inside the file: they look alike on every machine and in ten years."""

import json
import struct
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst


class NotPrintable(Exception):
    """A template asked for what is not there (a font, a field): a fault of ours, never of the data."""


def _font_files() -> list[Path]:
    """Noto Sans SC and Noto Serif SC from their package; never the machine's, which differ."""
    return sorted(Path(pylopdf_fonts_zh_cn.sans_path()).parent.glob("*.otf"))


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[str(_font_files()[0].parent)])


def typeset(template: Path, data: dict[str, Any], drawings: Mapping[str, str] | None = None) -> bytes:
    """The template filled with the data, as PDF/A-2b for the archive.

    ``data`` reaches the template as JSON, never as source, so nothing typed into a contract can act as markup;
    ``drawings`` are SVG, each an input of its own. Raises ``NotPrintable`` when the typesetter warns of anything.
    """
    compiler = typst.Compiler(
        str(template),
        root=str(template.parent),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(printable(data), ensure_ascii=False), **(drawings or {})},
    )
    page, warnings = compiler.compile_with_warnings(format="pdf", pdf_standards=["a-2b"])
    if warnings:
        raise NotPrintable("; ".join(str(warning) for warning in warnings))
    assert isinstance(page, bytes)
    return page


# ---- signs the fonts do not have -----------------------------------------------------------------------------------


def printable(value: Any) -> Any:
    """The data with every text in signs that the fonts have: a paper for the archive may not lack a single one.

    A sign they lack is printed as its number, 〔U+20BB7〕, so that a rare name can still be looked up; signs that
    only steer how others are shown are left out, and a line break stays one.
    """
    if isinstance(value, str):
        return (
            value
            if value.isascii() and value.isprintable()
            else "".join(map(_sign, unicodedata.normalize("NFC", value)))
        )
    if isinstance(value, dict):
        return {key: printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner) for inner in value]
    return value


def _sign(sign: str) -> str:
    if sign == "\n" or ord(sign) in _known_signs():
        return sign
    if unicodedata.category(sign).startswith(("C", "Z")) or "\ufe00" <= sign <= "\ufe0f":
        return " " if sign.isspace() else ""
    return f"〔U+{ord(sign):04X}〕"


@cache
def _known_signs() -> frozenset[int]:
    """The signs that all our fonts have."""
    return frozenset.intersection(*(frozenset(_signs_of(file.read_bytes())) for file in _font_files()))


def _signs_of(font: bytes) -> set[int]:
    """The code points of a font, from the segments of its character map (OpenType ``cmap``, format 12)."""
    tables = struct.unpack_from(">H", font, 4)[0]
    start = next(
        offset
        for tag, _, offset, _ in (struct.unpack_from(">4sIII", font, 12 + 16 * place) for place in range(tables))
        if tag == b"cmap"
    )
    for place in range(struct.unpack_from(">H", font, start + 2)[0]):
        map_start = start + struct.unpack_from(">HHI", font, start + 4 + 8 * place)[2]
        if struct.unpack_from(">H", font, map_start)[0] == 12:
            groups = struct.unpack_from(">I", font, map_start + 12)[0]
            spans = (struct.unpack_from(">II", font, map_start + 16 + 12 * group) for group in range(groups))
            return {sign for first, last in spans for sign in range(first, last + 1)}
    raise NotPrintable("the font has no character map of format 12")
