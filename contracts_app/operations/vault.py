"""Where backups lie, encrypted: contents kept once under a keyed name, and for each backup one manifest.

Every object is sealed with AES-256-GCM in chunks under a key of its own (STREAM, Hoang, Reyhanitabar, Rogaway and
Vizár 2015): the nonce is the chunk's number and whether it is the last one, and the object's name is authenticated with
it, so that a chunk changed, swapped, left out or cut off, and an object put in another's place, do not open. Names are
HMACs of the contents' SHA-256: who holds the disk cannot even find out whether a known file is among them.
"""

import ctypes
import errno
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts_app.core.errors import Refused
from contracts_app.core.settings import Settings

CHUNK = 1024 * 1024  # of plain bytes; what is in memory at a time
_MAGIC = b"CBK1"
_FINGERPRINT = 8
_SALT = 16
_HEAD = len(_MAGIC) + _FINGERPRINT + _SALT
_TAG = 16
_TOGETHER = 2000  # objects that are flushed to the disk at once
FULL = {errno.ENOSPC, errno.EDQUOT}


class Damaged(Exception):
    """Something in the vault is not what was put there. The message says what is wrong with it, for people."""


class Key:
    """One secret of 32 bytes, from which the keys of objects and the names of contents are derived."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.fingerprint = _derived(secret, b"", b"fingerprint")[:_FINGERPRINT]
        self._naming = _derived(secret, b"", b"names")

    def name(self, digest: bytes) -> str:
        """Under which a content with that SHA-256 lies: 64 lower-case hexadecimal digits."""
        return hmac.new(self._naming, digest, hashlib.sha256).hexdigest()

    def cipher(self, salt: bytes, name: str) -> AESGCM:
        """What seals and opens one object."""
        return AESGCM(_derived(self.secret, salt, b"object " + name.encode()))


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, purpose).derive(secret)


class Keys:
    """The keys of the vault in one file, 64 hexadecimal digits a line, the newest last: it seals, any of them opens."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def _known(self) -> list[Key]:
        try:
            lines = self.file.read_text(encoding="ascii").split()
            found = [bytes.fromhex(line) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as wrong:
            raise Refused(f"备份密钥文件 {self.file} 读不出来，核对它的内容和权限。") from wrong
        if any(len(secret) != 32 for secret in found):
            raise Refused(f"备份密钥文件 {self.file} 不完整：每行应是 64 位十六进制数字。")
        return [Key(secret) for secret in found]

    @property
    def are_there(self) -> bool:
        return bool(self._known)

    @property
    def newest(self) -> Key:
        """What seals now. Raises ``Refused`` where there is none."""
        if not self._known:
            raise Refused(f"没有备份密钥：把保存的密钥放回 {self.file}，或用 BACKUP_KEY_FILE 指明它在哪里。")
        return self._known[-1]

    def of(self, fingerprint: bytes) -> Key | None:
        """The key with that fingerprint, if it is among ours."""
        return next((key for key in self._known if key.fingerprint == fingerprint), None)

    @property
    def written(self) -> list[str]:
        """Every key as it stands in the file, oldest first."""
        return [key.secret.hex() for key in self._known]

    def add(self) -> Key:
        """Take a fresh key, with which everything is sealed from now on; older ones stay to open with."""
        made = Key(secrets.token_bytes(32))
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(self.file, "".join(f"{line}\n" for line in [*self.written, made.secret.hex()]).encode())
        self.__dict__.pop("_known", None)
        return made


@dataclass(frozen=True)
class Part:
    """A stream that was cut into blocks: they lie in the vault under their hashes, in this order."""

    name: str
    size: int
    sha256: str
    blocks: tuple[str, ...]  # SHA-256 of each


class Vault:
    """A folder of sealed objects and manifests, with the keys that open them."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.folder = folder
        self.keys = keys
        self.added = 0  # bytes that this process put there
        self._waiting: dict[Path, Path] = {}  # objects that are written but have not their name yet
        self._new: list[Path] = []

    # --- who may be at it ---------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While a backup is made or taken away. Refuses a second writer; what a broken one left half is cleared."""
        for folder in (self.folder, self._objects, self._manifests):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "writing.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("另一个备份正在进行，等它结束后重试。") from None
            for half in self._objects.glob("passing-*"):
                half.unlink(missing_ok=True)
            try:
                yield
            except OSError as error:
                if error.errno in FULL:
                    self._give_back()
                raise

    def _give_back(self) -> None:
        """The room that an unfinished backup took, where there is none left."""
        for place in (*self._new, *self._waiting.values()):
            place.unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While backups are read: nothing is swept away meanwhile."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "reading.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    # --- contents -----------------------------------------------------------------------------------------------------

    def keep_part(self, name: str, blocks: Iterable[bytes]) -> Part:
        """Keep a stream that comes in blocks. A block that is here already is not written again."""
        whole, size, digests = hashlib.sha256(), 0, []
        for block in blocks:
            whole.update(block)
            size += len(block)
            digest = hashlib.sha256(block).digest()
            digests.append(digest.hex())
            place = self.place(self.keys.newest.name(digest))
            if not self._is_here(place):
                self._put(place, [zlib.compress(block, 1)])
        return Part(name, size, whole.hexdigest(), tuple(digests))

    def part(self, part: Part, key: Key) -> Iterator[bytes]:
        """The stream again, block by block. Raises ``Damaged`` where one of them, or their sum, is not what it was."""
        whole = hashlib.sha256()
        for number, digest in enumerate(part.blocks, 1):
            try:
                block = self.block(digest, key)
            except Damaged as damage:
                raise Damaged(f"{part.name} 第 {number} 块（共 {len(part.blocks)} 块）：{damage}") from damage
            whole.update(block)
            yield block
        if whole.hexdigest() != part.sha256:
            raise Damaged(f"{part.name}：合起来与校验值不符")

    def block(self, digest: str, key: Key) -> bytes:
        """One block. Raises ``Damaged``."""
        place = self.place(key.name(bytes.fromhex(digest)))
        packed = b"".join(self._opened(place))
        try:
            block = zlib.decompress(packed)
        except zlib.error:
            raise Damaged(f"{self._named(place)} 解不开") from None
        if hashlib.sha256(block).hexdigest() != digest:
            raise Damaged(f"{self._named(place)} 与校验值不符")
        return block

    def holds_file(self, digest: str, size: int) -> bool:
        """Whether a content of that size lies here whole, as far as its own size tells."""
        place = self.place(self.keys.newest.name(bytes.fromhex(digest)))
        try:
            return place in self._waiting or place.stat().st_size == _sealed_size(size)
        except FileNotFoundError:
            return False

    def keep_file(self, digest: str, stream: BinaryIO) -> int:
        """Keep a content; its size. Raises ``Damaged``, and keeps nothing, when it is not what its hash says."""
        counted = _Counted(stream)
        self._put(self.place(self.keys.newest.name(bytes.fromhex(digest))), counted, counted.must_be(digest))
        return counted.size

    def file(self, digest: str, key: Key) -> Iterator[bytes]:
        """A content, chunk by chunk. Raises ``Damaged``, the last chunk at the latest, when it is not what it was."""
        place = self.place(key.name(bytes.fromhex(digest)))
        whole = hashlib.sha256()
        for chunk in self._opened(place):
            whole.update(chunk)
            yield chunk
        if whole.hexdigest() != digest:
            raise Damaged(f"{self._named(place)} 与校验值不符")

    def place(self, name: str) -> Path:
        """Where the object of that name lies or would lie."""
        return self._objects / name[:2] / name[2:4] / name

    def set_aside(self, name: str) -> None:
        """Take a damaged object out of the way, so that the next backup writes it anew."""
        place = self.place(name)
        with suppress(FileNotFoundError):
            place.rename(place.with_suffix(".damaged"))

    def sweep(self, needed: Callable[[], set[str]]) -> int | None:
        """Remove the objects that ``needed`` does not name; how many. None, and nothing done, while somebody reads."""
        with (self.folder / "reading.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            for half in self._objects.glob("note-*"):
                half.unlink(missing_ok=True)
            names, removed = needed(), 0
            for place in self._objects.glob("??/??/*"):
                if place.name not in names:
                    place.unlink(missing_ok=True)
                    removed += 1
            return removed

    # --- manifests ----------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The backups that are there whole, oldest first: a backup counts from the moment it has its manifest."""
        return sorted(place.stem for place in self._manifests.glob(f"{'[0-9]' * 8}-{'[0-9]' * 6}.manifest"))

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Let a backup count: everything it names is on the disk before its manifest is."""
        self.settle()
        self._put(self._manifests / f"{name}.manifest", [_packed(content)])
        self.settle()
        flush(self.folder)

    def note(self, name: str, content: dict[str, Any]) -> None:
        """Keep what a check of a backup found, beside its manifest."""
        place = self._manifests / f"{name}.verified"
        os.replace(self._passing("note-", place.name, [_packed(content)]), place)

    def read(self, name: str, kind: str) -> tuple[dict[str, Any], Key]:
        """What was written, and the key it was sealed with. Raises ``Damaged``; ``FileNotFoundError``."""
        place = self._manifests / f"{name}.{kind}"
        with place.open("rb") as file:
            key = self._key(file, place)
        try:
            content: dict[str, Any] = json.loads(zlib.decompress(b"".join(self._opened(place))))
        except (zlib.error, ValueError):
            raise Damaged(f"{self._named(place)} 解不开") from None
        return content, key

    def forget(self, name: str) -> None:
        """Let a backup count no longer; its objects go with the next sweep."""
        for place in sorted(self._manifests.glob(f"{name}.*")):  # the manifest before what was found of it
            place.unlink(missing_ok=True)

    # --- one object ---------------------------------------------------------------------------------------------------

    @property
    def _objects(self) -> Path:
        return self.folder / "objects"

    @property
    def _manifests(self) -> Path:
        return self.folder / "backups"

    def _named(self, place: Path) -> str:
        return str(place.relative_to(self.folder))

    def _put(self, place: Path, pieces: Iterable[bytes], last_look: Callable[[], None] = lambda: None) -> None:
        """Write an object under a passing name; it gets its own in ``settle``, with many others."""
        self._waiting[place] = self._passing("passing-", place.name, pieces, last_look)
        if len(self._waiting) >= _TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Give the objects that wait their names once they are on the disk, so that each is there whole or not at all.

        One flush for all of them: one each would take ten times as long as everything else.
        """
        if self._waiting:
            flush(self.folder)
        for place, passing in self._waiting.items():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(passing, place)
            self._new.append(place)
        self._waiting.clear()

    def _passing(
        self, prefix: str, name: str, pieces: Iterable[bytes], last_look: Callable[[], None] = lambda: None
    ) -> Path:
        """A new file that holds the object of that name."""
        handle, passing = tempfile.mkstemp(dir=self._objects, prefix=prefix)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in sealed(pieces, self.keys.newest, name):
                    file.write(piece)
                last_look()
                self.added += file.tell()
        except BaseException:
            Path(passing).unlink(missing_ok=True)
            raise
        return Path(passing)

    def _is_here(self, place: Path) -> bool:
        return place in self._waiting or place.is_file()

    def _opened(self, place: Path) -> Iterator[bytes]:
        try:
            with place.open("rb") as file:
                yield from opened(file, self._key(file, place), place.name)
        except FileNotFoundError:
            raise Damaged(f"{self._named(place)} 不见了") from None
        except InvalidTag:
            raise Damaged(f"{self._named(place)} 被改动或截断") from None
        except OSError as error:
            raise Damaged(f"{self._named(place)} 读不出来（{error.strerror}）") from error

    def _key(self, file: BinaryIO, place: Path) -> Key:
        """The key that the head of an object names; the file then stands behind the fingerprint."""
        head = file.read(len(_MAGIC) + _FINGERPRINT)
        if len(head) < len(_MAGIC) + _FINGERPRINT or not head.startswith(_MAGIC):
            raise Damaged(f"{self._named(place)} 被改动或截断")
        key = self.keys.of(head[len(_MAGIC) :])
        if key is None:
            raise Damaged(
                f"{self._named(place)} 用另一把密钥（指纹 {head[len(_MAGIC) :].hex()}）加密，{self.keys.file} 里没有它"
            )
        return key


def vault_of(settings: Settings) -> Vault:
    """The vault of an installation."""
    keys = settings.backup_key_file or settings.instance / "backup-key"
    return Vault(settings.backup_dir or settings.instance / "backups", Keys(keys))


def sealed(pieces: Iterable[bytes], key: Key, name: str) -> Iterator[bytes]:
    """The bytes of an object: its head, then chunk after chunk."""
    salt = os.urandom(_SALT)
    cipher, number = key.cipher(salt, name), 0
    yield _MAGIC + key.fingerprint + salt
    waiting = b""
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK:
            yield cipher.encrypt(_nonce(number, is_last=False), waiting[:CHUNK], None)
            waiting, number = waiting[CHUNK:], number + 1
    yield cipher.encrypt(_nonce(number, is_last=True), waiting, None)


def opened(file: BinaryIO, key: Key, name: str) -> Iterator[bytes]:
    """What was sealed, read from behind the fingerprint. Raises ``InvalidTag`` at a chunk that is not in its place."""
    cipher, number = key.cipher(file.read(_SALT), name), 0
    chunk = file.read(CHUNK + _TAG)
    while True:
        following = file.read(CHUNK + _TAG)
        if len(chunk) < _TAG:
            raise InvalidTag
        yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
        if not following:
            return
        chunk, number = following, number + 1


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _sealed_size(size: int) -> int:
    return _HEAD + size + _TAG * max(1, -(-size // CHUNK))


def flush(folder: Path) -> None:
    """Make everything on the folder's file system survive a power cut. Raises the error with which that failed."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        os.sync()  # not Linux: flushes too, but tells of no error
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if library.syncfs(handle):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(handle)


def _packed(content: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 6)


class _Counted:
    """The chunks of a stream, with their hash and size taken on the way."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = 0
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.stream.read(CHUNK):
            self.size += len(chunk)
            self._hash.update(chunk)
            yield chunk

    def must_be(self, digest: str) -> Callable[[], None]:
        """What raises ``Damaged`` after the last chunk, unless all of it has that SHA-256."""

        def look() -> None:
            if self._hash.hexdigest() != digest:
                raise Damaged(f"附件 {digest} 的内容与文件名（SHA-256）不符")

        return look


def _write_whole(file: Path, content: bytes) -> None:
    """Replace a small file, readable by its owner only, whole or not at all."""
    handle, passing = tempfile.mkstemp(dir=file.parent, prefix="passing-")
    try:
        with os.fdopen(handle, "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        os.replace(passing, file)
    except BaseException:
        Path(passing).unlink(missing_ok=True)
        raise
