"""Proving the log: every entry follows from the one before, the end is where it should be, every checkpoint fits."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select
from sqlalchemy.exc import DBAPIError

from .audit import ENTRIES, HEAD
from .chain import BEGINNING, COLUMNS, hash_of_values
from .checkpoints import Checkpoint

SAID = 10  # sentences; what follows from the first fault is mostly known from it
_TOGETHER = 5_000  # rows read at a time
# As text: what somebody put into a moment or into the details may be neither.
_ROWS = select(
    *(cast(ENTRIES.c[name], Text) if name in ("at", "details") else ENTRIES.c[name] for name in COLUMNS), ENTRIES.c.hash
).order_by(ENTRIES.c.id)


@dataclass
class Proof:
    """What was found. ``sentences`` are about the first faults; ``faults`` counts all of them."""

    entries: int = 0  # looked at
    last_id: int = 0  # the last that was looked at
    hash: str = BEGINNING
    first_fault: int | None = None  # number of the first entry that does not fit
    faults: int = 0
    checkpoints: int = 0
    sentences: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        return not self.faults

    def _fault(self, sentence: str) -> None:
        self.faults += 1
        if len(self.sentences) < SAID:
            self.sentences.append(sentence)


def prove(
    connection: Connection,
    checkpoints: Sequence[Checkpoint] = (),
    *,
    newest: int | None = None,
    told: Callable[[int, int], None] = lambda done, whole: None,
) -> Proof:
    """Prove the whole log, or its ``newest`` entries. Writes nothing and waits for nobody.

    Entries that come in meanwhile are left to the next time. ``told`` hears how many are done of how many.
    """
    proof = Proof(checkpoints=len(checkpoints))
    end: Any = connection.execute(select(HEAD)).mappings().one_or_none()
    if end is None:
        proof._fault("链尾的记录没有了，无法确认最后一条是哪一条")
        end = {"last_id": None, "hash": None, "count": None}
    after = _start(connection, newest)
    if after is not None:
        proof.hash = _hash_at(connection, after) or BEGINNING
    counted = _follow(connection, proof, after, end, {one.id for one in checkpoints}, told)
    _look_at_end(connection, proof, end, is_whole=after is None)
    for checkpoint in checkpoints:
        _compare(connection, proof, checkpoint, counted)
    return proof


def as_facts(proof: Proof) -> dict[str, Any]:
    """What the log keeps of having been proved."""
    return {
        "entries": proof.entries,
        "until": proof.last_id,
        "checkpoints": proof.checkpoints,
        "faults": proof.faults,
    }


def _start(connection: Connection, newest: int | None) -> int | None:
    """The entry after which the newest begin; None for all of them."""
    if newest is None:
        return None
    return connection.scalar(select(ENTRIES.c.id).order_by(ENTRIES.c.id.desc()).limit(1).offset(newest))


def _hash_at(connection: Connection, number: int) -> str | None:
    return connection.scalar(select(ENTRIES.c.hash).where(ENTRIES.c.id == number))


def _follow(
    connection: Connection,
    proof: Proof,
    after: int | None,
    end: Any,
    wanted: set[int],
    told: Callable[[int, int], None],
) -> dict[int, int]:
    """Go along the chain; how many entries there are up to each of the wanted ones."""
    counted = {}
    for number, row in _read(connection, after, end["last_id"]):
        stored = row[-1] if row is not None else None
        if row is None or not _fits(proof.hash, row[:-1], stored):
            if proof.first_fault is None:
                proof.first_fault = number
            proof._fault(f"第 {number} 条与它的校验值或前一条接不上：这里有一条被改动、删去、调换或插入")
        proof.hash = stored if isinstance(stored, str) else ""
        proof.entries += 1
        proof.last_id = number
        if number in wanted:
            counted[number] = proof.entries
        if proof.entries % _TOGETHER == 0:
            told(proof.entries, end["count"] or 0)
    return counted if after is None else {}


def _read(connection: Connection, after: int | None, last: int | None) -> Iterator[tuple[int, Any]]:
    """The entries after one number up to another; None in place of one that cannot even be read."""
    while True:
        asked = _ROWS.limit(_TOGETHER)
        if after is not None:
            asked = asked.where(ENTRIES.c.id > after)
        if last is not None:
            asked = asked.where(ENTRIES.c.id <= last)
        try:
            rows = [(row[0], row) for row in connection.execute(asked)]
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            numbers = connection.scalars(asked.with_only_columns(ENTRIES.c.id)).all()
            rows = [(number, _one(connection, number)) for number in numbers]
        yield from rows
        if len(rows) < _TOGETHER:
            return
        after = rows[-1][0]


def _one(connection: Connection, number: int) -> Any:
    try:
        return connection.execute(_ROWS.where(ENTRIES.c.id == number)).one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None


def _fits(previous: str, values: Sequence[Any], stored: Any) -> bool:
    number, at, *others, details = values
    try:
        return hash_of_values(previous, [number, _moment(at), *others, json.loads(details)]) == stored
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def _moment(text: str) -> str:
    """How ``chain.written`` has a moment, from how SQLite and PostgreSQL write it; of anything else, something
    that is no moment."""
    whole, _, fraction = text.removesuffix("+00").partition(".")
    return f"{whole.replace(' ', 'T')}.{fraction:0<6}+00:00"


def _look_at_end(connection: Connection, proof: Proof, end: Any, *, is_whole: bool) -> None:
    if end["last_id"] is None:
        return
    if (proof.last_id, proof.hash) != (end["last_id"], end["hash"]):
        proof._fault(
            f"链尾记着第 {end['last_id']} 条，找到的最后一条是第 {proof.last_id} 条或校验值不同：末尾被截去或改动"
        )
    elif is_whole and proof.entries != end["count"]:
        proof._fault(f"链尾记着共 {end['count']} 条，实有 {proof.entries} 条")
    # Asked with the end of this very moment: what came in since is no fault.
    beyond = select(func.count(), func.min(ENTRIES.c.id)).where(
        ENTRIES.c.id > select(HEAD.c.last_id).where(HEAD.c.id == 1).scalar_subquery()
    )
    number, first = connection.execute(beyond).one()
    if number:
        proof._fault(f"链尾之后还有 {number} 条，从第 {first} 条起：不是由系统写入的")


def _compare(connection: Connection, proof: Proof, checkpoint: Checkpoint, counted: dict[int, int]) -> None:
    name = checkpoint.file.name if checkpoint.file else checkpoint.at
    stands = BEGINNING if checkpoint.id == 0 else _hash_at(connection, checkpoint.id)
    if stands is None:
        proof._fault(f"检查点 {name} 记着第 {checkpoint.id} 条，现在没有这一条：记录被删去或整条链被换过")
    elif stands != checkpoint.hash:
        proof._fault(f"检查点 {name} 的校验值与第 {checkpoint.id} 条不同：它或它前面的记录被换过")
    elif checkpoint.count != counted.get(checkpoint.id, checkpoint.count):
        proof._fault(f"检查点 {name} 记着 {checkpoint.count} 条，现在有 {counted[checkpoint.id]} 条")
