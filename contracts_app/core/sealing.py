"""Values that lie encrypted in the database: personal data, secrets of second factors.

AES-256-GCM with keys that stand outside the database, so that a stolen copy of it tells nothing. A sealed value begins
with the number of its key; any kept key opens, the newest seals. Taking a new key is `flask --app wsgi keys rotate`.
"""

import base64
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from .settings import Settings, kept_secret

_NONCE = 12  # bytes, as NIST SP 800-38D asks for
_KEY = 32


class Unopened(Exception):
    """A sealed value that none of the kept keys opens: a wrong or lost key, or a value changed in the database."""


@dataclass(frozen=True)
class Key:
    """One key: its number, which stands in front of every value it sealed, and 32 secret bytes."""

    number: int
    secret: bytes

    @classmethod
    def new(cls, number: int) -> "Key":
        """A fresh random key."""
        return cls(number, secrets.token_bytes(_KEY))

    @classmethod
    def read(cls, line: str) -> "Key":
        """A key as ``Key.written`` wrote it; ``ValueError`` for anything else."""
        number, _, secret = line.strip().partition(":")
        raw = bytes.fromhex(secret)
        if not number.isdigit() or len(raw) != _KEY:
            raise ValueError("a key is a number, a colon and 64 hexadecimal digits")
        return cls(int(number), raw)

    @property
    def written(self) -> str:
        """``number:hex``, one line of the file of keys."""
        return f"{self.number}:{self.secret.hex()}"


class KeyRing:
    """The keys in one file, oldest first; the last one seals. Read again when a value names a key that is newer."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def _keys(self) -> dict[int, AESGCM]:
        lines = kept_secret(self.file, lambda: Key.new(1).written).splitlines()
        return {key.number: AESGCM(key.secret) for key in map(Key.read, filter(None, lines))}

    @property
    def newest(self) -> int:
        """The number of the key that seals now."""
        return max(self._keys)

    def reload(self) -> None:
        """Read the file again at the next use: another process has taken a new key."""
        self.__dict__.pop("_keys", None)

    def seal(self, text: str, purpose: str) -> str:
        """The text, encrypted; ``purpose`` (table.column) binds it to its place, so that it opens nowhere else."""
        nonce = os.urandom(_NONCE)
        number = self.newest
        hidden = self._keys[number].encrypt(nonce, text.encode(), purpose.encode())
        return f"{number}:{base64.b64encode(nonce + hidden).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed for that purpose. Raises ``Unopened``."""
        number, _, packed = sealed.partition(":")
        if number.isdigit() and int(number) not in self._keys:
            self.reload()
        try:
            raw = base64.b64decode(packed, validate=True)
            return self._keys[int(number)].decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except (InvalidTag, KeyError, ValueError) as wrong:
            raise Unopened(purpose) from wrong

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.partition(":")[0] == str(self.newest)


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["key_ring"] = KeyRing(settings.data_keys_file or settings.instance / "data-keys")


def key_ring() -> KeyRing:
    """The keys of this installation."""
    ring: KeyRing = current_app.extensions["key_ring"]
    return ring


class Sealed(TypeDecorator[str]):
    """A text that is plain in Python and sealed in the database. Empty stays empty.

    ``purpose`` is the name of table and column. Each sealing gives another text, so equal values do not look equal
    and the column can be neither sorted nor searched nor compared in the database.
    """

    impl = Text
    cache_ok = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return key_ring().seal(value, self.purpose) if value else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return key_ring().open(value, self.purpose) if value else value
