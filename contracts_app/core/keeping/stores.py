"""Where the contents of files are kept: a store names each content by its hash, and nobody else knows where it lies.

``create_app`` chooses the one store there is. Whatever fits ``Store`` - a bucket, a table - can stand there instead of
the folder: no page, command or test of a page uses a path.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from .files import FileRefused, size_label

_CHUNK = 1024 * 1024
_NAME = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """A content in the store: its name there and its size in bytes."""

    sha256: str
    size: int


class Store(Protocol):
    """Contents named by the SHA-256 of their bytes, in 64 lower-case hex digits; any other name is a ``ValueError``.

    The same content is kept once, whoever brings it. Readers get a stream that can seek; they close it.
    """

    def keep(self, stream: BinaryIO, limit_bytes: int, *, is_precious: bool = True) -> Kept:
        """Keeps what is left of the stream, whole or not at all; FileRefused if empty or over the limit.

        What is not precious can be generated again and need not survive a power cut.
        """

    def open(self, sha256: str) -> BinaryIO:
        """The content for reading; FileNotFoundError if the store does not hold it."""

    def exists(self, sha256: str) -> bool:
        """Whether the store holds that content."""

    def size(self, sha256: str) -> int:
        """Its bytes; FileNotFoundError if the store does not hold it."""

    def contents(self, before: datetime) -> Iterator[Kept]:
        """Everything that was last kept before that moment, in no order. An upload is kept before its row is."""

    def remove(self, sha256: str, before: datetime) -> bool:
        """Forgets a content unless it is not there or was kept again since; whether it did. The caller knows that
        nothing refers to it."""


class FolderStore:
    """Files under `root`, each at ab/cd/<sha256> once, readable by the owner of the process only."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, stream: BinaryIO, limit_bytes: int, *, is_precious: bool = True) -> Kept:
        """As ``Store.keep``; flushed to the disk under a passing name before it gets its own."""
        handle, name = self._arrival()
        arriving = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                kept = _copy(stream, file, limit_bytes)
                if is_precious:
                    file.flush()
                    os.fsync(file.fileno())
            if not self._settle(arriving, kept, is_precious):
                arriving.unlink(missing_ok=True)
        except BaseException:
            arriving.unlink(missing_ok=True)
            raise
        return kept

    def _arrival(self) -> tuple[int, str]:
        """An open file of mode 600 under a passing name."""
        try:
            return tempfile.mkstemp(dir=self.root, prefix="arriving-")
        except FileNotFoundError:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return tempfile.mkstemp(dir=self.root, prefix="arriving-")

    def _settle(self, arriving: Path, kept: Kept, is_precious: bool) -> bool:
        """Give what arrived its own name; whether it did, for it may have been there."""
        place = self._path(kept.sha256)
        try:
            if place.stat().st_size == kept.size:
                os.utime(place)  # kept again: nobody takes it for something long forgotten
                return False
        except FileNotFoundError:
            for folder in (place.parent.parent, place.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
        os.replace(arriving, place)
        if is_precious:
            for folder in (place.parent, place.parent.parent, self.root):
                _flush_folder(folder)
        return True

    def open(self, sha256: str) -> BinaryIO:
        return self._path(sha256).open("rb")

    def exists(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def size(self, sha256: str) -> int:
        return self._path(sha256).stat().st_size

    def contents(self, before: datetime) -> Iterator[Kept]:
        for place in self.root.glob("??/??/*"):
            if _NAME.fullmatch(place.name) and _kept_at(place) < before:
                yield Kept(place.name, place.stat().st_size)

    def remove(self, sha256: str, before: datetime) -> bool:
        place = self._path(sha256)
        if not place.is_file() or _kept_at(place) >= before:
            return False
        place.unlink(missing_ok=True)
        return True

    def _path(self, sha256: str) -> Path:
        """Where that content is or would be."""
        if not _NAME.fullmatch(sha256):
            raise ValueError("A stored file is named by 64 lower-case hexadecimal digits.")
        return self.root / sha256[:2] / sha256[2:4] / sha256


def _kept_at(place: Path) -> datetime:
    return datetime.fromtimestamp(place.stat().st_mtime, UTC)


def _copy(stream: BinaryIO, file: BinaryIO, limit_bytes: int) -> Kept:
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > limit_bytes:
            raise FileRefused(_over_limit(size + _rest_of(stream), limit_bytes))
        digest.update(chunk)
        file.write(chunk)
    if not size:
        raise FileRefused("文件是空的，打开原件确认有内容后重新选择。")
    return Kept(digest.hexdigest(), size)


def _rest_of(stream: BinaryIO) -> int:
    """Bytes after the current position, so that the sentence can name the whole size; 0 where that cannot be known."""
    if not stream.seekable():
        return 0
    here = stream.tell()
    return stream.seek(0, os.SEEK_END) - here


def _over_limit(size: int, limit_bytes: int) -> str:
    limit = size_label(limit_bytes).replace(".0 ", " ")
    return f"文件 {size_label(size)}，超过 {limit} 上限，压缩或分开后重新选择。"


def _flush_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
