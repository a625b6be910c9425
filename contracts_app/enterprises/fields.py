"""One enterprise as an answer: chosen from the hits, or typed so that one is meant."""

from collections.abc import Sequence
from typing import Any

from wtforms import Field, ValidationError
from wtforms.widgets import HiddenInput

from . import queries as enterprises
from .facts import blanks_in_words
from .models import Enterprise


class EnterpriseField(Field):
    """One enterprise: its id, as chosen from the hits, or what was typed, where that names exactly one.

    Posted as ``<name>`` (the id), ``<name>_text`` (what was typed) and ``<name>_pick`` (the hit chosen without script).
    ``hits`` are offered for choice when the text names no single one.
    """

    widget = HiddenInput()

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.chosen: Enterprise | None = None
        self.typed = ""
        self.hits: Sequence[Enterprise] = ()

    def process_data(self, value: int | None) -> None:
        self.choose(enterprises.known(value))

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        if not formdata or not any(name in formdata for name in (self.name, f"{self.name}_text")):
            return
        self.typed = formdata.get(f"{self.name}_text", "").strip()[:200]
        picked = number_of(formdata.get(f"{self.name}_pick"))
        if picked:
            self.choose(enterprises.known(picked))
            return
        chosen = enterprises.known(number_of(formdata.get(self.name)))
        # Without script the name can be changed while the id stays: what people see counts.
        if chosen and f"{self.name}_text" in formdata and self.typed != chosen.name:
            chosen = None
        self.choose(chosen or (enterprises.meant(self.typed) if self.typed else None))

    def choose(self, enterprise: Enterprise | None) -> None:
        """Take this one."""
        self.chosen = enterprise
        self.data = enterprise.id if enterprise else None
        if enterprise:
            self.typed = enterprise.name

    @property
    def missing(self) -> str:
        """What the chosen one leaves blank that every contract needs, in words."""
        return blanks_in_words(self.chosen) if self.chosen else ""

    def look_up(self) -> None:
        """Offer the hits for what was typed."""
        self.hits = enterprises.found(self.typed) if self.typed and not self.chosen else ()

    def pre_validate(self, form: Any) -> None:
        if self.chosen or not self.typed:
            return
        self.look_up()
        if self.hits:
            raise ValidationError(f"“{self.typed}”找到 {len(self.hits)} 个单位，选择其中一个")
        raise ValidationError(f"没有找到“{self.typed}”，换一个字查找，或者新增单位")


def number_of(written: Any) -> int | None:
    """The number of a record as it is posted, or as the record has it; None for anything else."""
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
