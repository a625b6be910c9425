"""The chain that the log is: each entry is hashed together with the hash of the entry before it.

Who changes, removes, moves or puts in a row leaves entries whose hash does not follow from what stands there. Who works
out all later hashes anew is found by a checkpoint that was kept elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

BEGINNING = "0" * 64  # what the first entry follows
# Everything that an entry says. The order is that of the text which is hashed, and never changes.
COLUMNS = ("id", "at", "user_id", "username", "action", "subject", "subject_id", "address", "details")
_ENCODED = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def hash_of(previous: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry that follows one with the hash ``previous``: SHA-256 in hexadecimal.

    ``at`` is a moment, or its text as ``written`` gives it. The text that is hashed is a JSON array of the previous
    hash and the columns, without spaces, keys of ``details`` sorted, everything outside ASCII escaped.
    """
    return hash_of_values(previous, [entry[column] for column in COLUMNS])


def hash_of_values(previous: str, values: Sequence[Any]) -> str:
    """The same from the values of the columns in their order."""
    told = [previous, *(written(value) if isinstance(value, datetime) else value for value in values)]
    return hashlib.sha256(_ENCODED(told).encode()).hexdigest()


def written(moment: datetime) -> str:
    """A moment as it is hashed: UTC, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def kept_form(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as they come back from the database; TypeError for what no JSON can hold."""
    form: dict[str, Any] = json.loads(json.dumps(details))
    return form
