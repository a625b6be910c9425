"""Enums that carry the Chinese words people read."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A code that is stored and a label that is shown: ``DRAFT = "draft", "草稿"``."""

    label: str

    def __new__(cls, code: str, label: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member
