"""Checkpoints: where the log's chain ended on a day, in a small file that can be kept where nobody here can write.

Whoever may do anything to the database can make a whole new chain. It does not fit a checkpoint kept elsewhere.
"""

import json
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic

from flask import current_app, has_app_context

from contracts_app.core.clock import now_utc, today
from contracts_app.core.edition import VERSION
from contracts_app.core.settings import Settings

from .chain import written

log = logging.getLogger(__name__)
KEPT_ON = "audit checkpoint"  # in app.extensions: the day whose checkpoint this process has seen
_FAILED_AT = "audit checkpoint failed"  # in app.extensions: when this process last could not write one, monotonic
_TRIES_AGAIN = 3600.0  # seconds; a folder on the network that is away may hold up whoever asks for it


class NoCheckpoint(Exception):
    """The sentence that says why a file is none."""


@dataclass(frozen=True)
class Checkpoint:
    """The end of the chain in one moment: the last entry, its hash, and how many entries there were."""

    id: int
    hash: str
    count: int
    at: str  # when it was looked at, UTC
    software: str
    file: Path | None = None

    def as_text(self) -> str:
        facts = {name: value for name, value in asdict(self).items() if name != "file"}
        return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"


def folder() -> Path:
    """Where this installation keeps its checkpoints."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.checkpoint_dir or settings.instance / "checkpoints"


def now(*, last_id: int, hash: str, count: int) -> Checkpoint:
    """The checkpoint of a head of the chain, as of this moment."""
    return Checkpoint(last_id, hash, count, written(now_utc()), VERSION)


def keep(checkpoint: Checkpoint) -> Path:
    """Keep it as a new file of today; none is ever overwritten. Returns the newest of today if that says the same.

    Raises OSError where the folder cannot be written.
    """
    taken = sorted(_of_day(today()), key=_place)
    if taken and _same(taken[-1], checkpoint):
        return taken[-1]
    number = len(taken) + 1
    while not _made(file := folder() / _name(today(), number), checkpoint):
        number += 1  # another process was first
    return file


def keep_todays(*, last_id: int, hash: str, count: int) -> None:
    """Keep the day's first checkpoint, unless this or another process has. Never fails: a day without is seen.

    Where it cannot be written, this process tries and says so once an hour.
    """
    if not has_app_context() or current_app.extensions.get(KEPT_ON) == (day := today()):
        return
    failed_at: float | None = current_app.extensions.get(_FAILED_AT)
    if failed_at is not None and monotonic() - failed_at < _TRIES_AGAIN:
        return
    try:
        _made(folder() / _name(day, 1), now(last_id=last_id, hash=hash, count=count))
    except OSError as error:
        log.error("checkpoint of the audit log not kept: %s", error)  # the entries are
        current_app.extensions[_FAILED_AT] = monotonic()
        return
    current_app.extensions[KEPT_ON] = day


def all_in(places: Iterable[Path]) -> list[Checkpoint]:
    """The checkpoints of files and folders. Raises ``NoCheckpoint`` for a file that is none or cannot be read."""
    files = [file for place in places for file in (sorted(place.glob("*.json")) if place.is_dir() else [place])]
    return [read(file) for file in files]


def newest() -> Checkpoint | None:
    """The newest checkpoint of this installation; None where there is none, or it cannot be read."""
    places = folder()
    for file in sorted(places.glob("*.json"), key=_place, reverse=True)[:1] if places.is_dir() else []:
        with suppress(NoCheckpoint):
            return read(file)
    return None


def _place(file: Path) -> tuple[str, int, str]:
    """By day, and within it as they were made."""
    return file.stem[:10], len(file.stem), file.stem


def read(file: Path) -> Checkpoint:
    """The checkpoint of a file. Raises ``NoCheckpoint``."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        found = Checkpoint(facts["id"], facts["hash"], facts["count"], facts["at"], facts["software"], file)
    except (OSError, ValueError, KeyError, TypeError):
        raise NoCheckpoint(f"{file} 读不出检查点，换一份没有改动过的。") from None
    if not (type(found.id) is type(found.count) is int and isinstance(found.hash, str) and isinstance(found.at, str)):
        raise NoCheckpoint(f"{file} 读不出检查点，换一份没有改动过的。")
    return found


def _of_day(day: date) -> list[Path]:
    return list(folder().glob(f"{day}*.json")) if folder().is_dir() else []


def _name(day: date, number: int) -> str:
    return f"{day}.json" if number == 1 else f"{day}-{number}.json"


def _same(file: Path, checkpoint: Checkpoint) -> bool:
    with suppress(NoCheckpoint):
        return (found := read(file)).id == checkpoint.id and found.hash == checkpoint.hash
    return False


def _made(file: Path, checkpoint: Checkpoint) -> bool:
    """Make the file, whole or not at all; False when it is there already."""
    if file.exists():
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=file.parent, prefix=".making-", encoding="utf-8") as draft:
        draft.write(checkpoint.as_text())
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, file)
        except FileExistsError:
            return False
        except OSError:  # a folder on the network that knows no links: not in one step, but over no other file either
            return _written(file, checkpoint)
    return True


def _written(file: Path, checkpoint: Checkpoint) -> bool:
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(checkpoint.as_text())
    except FileExistsError:
        return False
    return True
