"""The papers of the office as PDF pages: their templates, set by the house's typesetter."""

from pathlib import Path
from typing import Any

from contracts_app.core.drawing.typesetting import NotPrintable, printable, typeset

__all__ = ["NotPrintable", "printable", "render"]

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, data: dict[str, Any], qr_svg: str = "") -> bytes:
    """One of our templates filled with the data, as PDF/A-2b; raises ``NotPrintable`` as the typesetter does."""
    return typeset(TEMPLATES / f"{template}.typ", data, {"qr": qr_svg})
