"""PDF pages from data, with Chinese fonts inside the file: they look alike on every machine and in ten years."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

TEMPLATES = Path(__file__).parent / "templates"


class NotPrintable(Exception):
    """A template asked for what is not there (a font, a field): a fault of ours, never of the data."""


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans SC and Noto Serif SC from their package; never the machine's, which differ."""
    folder = str(Path(pylopdf_fonts_zh_cn.sans_path()).parent)
    return typst.Fonts(include_system_fonts=False, font_paths=[folder])


def render(template: str, data: dict[str, Any], qr_svg: str = "") -> bytes:
    """The template filled with the data, as PDF/A-2b for the archive.

    ``data`` reaches the template as JSON, never as source, so nothing typed into a contract can act as markup.
    Raises ``NotPrintable`` when the typesetter warns of anything.
    """
    compiler = typst.Compiler(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False), "qr": qr_svg},
    )
    page, warnings = compiler.compile_with_warnings(format="pdf", pdf_standards=["a-2b"])
    if warnings:
        raise NotPrintable("; ".join(str(warning) for warning in warnings))
    assert isinstance(page, bytes)
    return page
