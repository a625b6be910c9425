"""Values that lie encrypted in the database: personal data, secrets of second factors.

AES-256-GCM with keys that stand outside the database, so that a stolen copy of it tells nothing. A sealed value begins
with the number of its key; any kept key opens, the newest seals. Taking a new key is `flask --app wsgi keys rotate`.
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, overload

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from contracts_app.core.settings import Misconfigured, Settings, kept_secret

_NONCE = 12  # bytes, as NIST SP 800-38D asks for
_KEY = 32


class Unopened(Exception):
    """A sealed value that none of the kept keys opens: a wrong or lost key, or a value changed in the database."""


_Look = tuple[int, int, int] | None  # what tells one content of a file from another without reading it


def _look_of(file: Path) -> _Look:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


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
    """The keys in one file, oldest first; the last one seals.

    Looks before every sealing whether the file is another one by now: whoever took a new key relies on every process
    sealing with it from then on, or an old key could be dropped while somebody still seals with it.
    """

    def __init__(self, file: Path, is_in_use: Callable[[], bool] = lambda: False) -> None:
        """``is_in_use``: whether something lies sealed already, asked before a first key is made."""
        self.file = file
        self._is_in_use = is_in_use
        self._read: tuple[_Look, dict[int, AESGCM]] | None = None

    @property
    def keys(self) -> list[Key]:
        """Every key in the file, oldest first."""
        lines = kept_secret(self.file, self._first).splitlines()
        try:
            return sorted((Key.read(line) for line in lines if line.strip()), key=lambda key: key.number)
        except ValueError as wrong:
            raise Misconfigured(f"密钥文件 {self.file} 有读不懂的行，用备份的密钥文件换回来。") from wrong

    def _first(self) -> str:
        """The first key there ever was: one made in place of a lost one would bear its number and open nothing."""
        if self._is_in_use():
            raise Misconfigured(f"密钥文件 {self.file} 不见了，数据库里有用它加密的内容：把密钥文件放回去。")
        return Key.new(1).written

    def _ciphers(self) -> dict[int, AESGCM]:
        look = _look_of(self.file)
        if look is None and self._read is not None:
            return self._read[1]  # a disk that is away for a while: what was read goes on
        if self._read is None or self._read[0] != look:
            self._read = look, {key.number: AESGCM(key.secret) for key in self.keys}
        return self._read[1]

    @property
    def newest(self) -> int:
        """The number of the key that seals now."""
        return max(self._ciphers())

    def take_new(self) -> int:
        """Add a fresh key, which seals from now on, in every process that reads this file; returns its number."""
        with self._alone():
            kept = self.keys
            new = Key.new(kept[-1].number + 1)
            self._write([*kept, new])
        return new.number

    def drop(self, numbers: Collection[int]) -> None:
        """Forget these keys for good. The caller knows that nothing is sealed with them; the newest one stays."""
        with self._alone():
            kept = self.keys
            self._write([key for key in kept if key.number not in numbers or key is kept[-1]])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile."""
        with self.file.with_name(f"{self.file.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, keys: Iterable[Key]) -> None:
        """Put another file in its place, whole or not at all, readable by its owner only, on the disk before use."""
        with NamedTemporaryFile("w", dir=self.file.parent, prefix=f"{self.file.name}-", delete=False) as draft:
            try:
                draft.write("".join(f"{key.written}\n" for key in keys))  # the file was made with mode 600
                draft.flush()
                os.fsync(draft.fileno())
                os.replace(draft.name, self.file)
            except BaseException:
                os.unlink(draft.name)
                raise
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def seal(self, text: str, purpose: str) -> str:
        """The text, encrypted; ``purpose`` (table.column) binds it to its place, so that it opens nowhere else.

        Raises ``Unopened`` where the keys are lost.
        """
        nonce = os.urandom(_NONCE)
        try:
            number = self.newest
        except Misconfigured as lost:
            raise Unopened(purpose) from lost
        hidden = self._ciphers()[number].encrypt(nonce, text.encode(), purpose.encode())
        return f"{number}:{base64.b64encode(nonce + hidden).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed for that purpose. Raises ``Unopened``."""
        number, _, packed = sealed.partition(":")
        try:
            raw = base64.b64decode(packed, validate=True)
            return self._ciphers()[int(number)].decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except (InvalidTag, KeyError, ValueError, Misconfigured) as wrong:
            raise Unopened(purpose) from wrong

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.partition(":")[0] == str(self.newest)


def init_app(app: Flask, settings: Settings, is_in_use: Callable[[], bool] = lambda: False) -> None:
    app.extensions["key_ring"] = KeyRing(settings.data_keys_file or settings.instance / "data-keys", is_in_use)


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


@dataclass(frozen=True)
class Envelope:
    """A sealed text as it lies in the database, opened when somebody reads it and not when its row is loaded."""

    sealed: str
    purpose: str

    def open(self) -> str:
        """The text. Raises ``Unopened``."""
        return key_ring().open(self.sealed, self.purpose)


class SealedLater(Sealed):
    """A sealed text that comes from the database as an ``Envelope``: with a lost key, lists that show nothing of it
    still open. The attribute of the model is an ``Opened`` beside the column."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return value.sealed if isinstance(value, Envelope) else super().process_bind_param(value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return Envelope(value, self.purpose) if value else value


class Opened:
    """Reads and writes a ``SealedLater`` column as plain text: ``phone = Opened()`` beside ``phone_sealed``.

    Reading raises ``Unopened``. Writing what stands there already changes nothing, so nothing is sealed anew.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.column = f"{name}_sealed"

    @overload
    def __get__(self, record: None, owner: type) -> "Opened": ...

    @overload
    def __get__(self, record: object, owner: type) -> str: ...

    def __get__(self, record: object | None, owner: type) -> "Opened | str":
        if record is None:
            return self
        kept = getattr(record, self.column)
        return kept.open() if isinstance(kept, Envelope) else kept or ""

    def __set__(self, record: object, text: str) -> None:
        if self.__get__(record, type(record)) != text or getattr(record, self.column) is None:
            setattr(record, self.column, text)


def masked(record: object, name: str, mask: Callable[[str], str]) -> str:
    """An ``Opened`` attribute as lists show it; where its key is lost the list says so and still opens."""
    try:
        return mask(getattr(record, name))
    except Unopened:
        return "打不开"
