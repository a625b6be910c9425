"""What lies in the vault opens only as it was put there: nothing changed, cut off, moved or opened with another key."""

import io
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_app.core.clock import local
from contracts_app.operations.rotation import Keep
from contracts_app.operations.vault import CHUNK, Key, opened, sealed

KEY = Key(secrets.token_bytes(32))
HEAD = 4 + 8 + 16  # of an object: what it is, which key, salt
BEHIND = 4 + 8  # where reading begins once the key is known
PIECE = CHUNK + 16


def put(content, name="name"):
    return b"".join(sealed([content], KEY, name))


def got(raw, name="name", key=KEY):
    return b"".join(opened(io.BytesIO(raw[BEHIND:]), key, name))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_was_put_away_comes_back(size):
    content = secrets.token_bytes(size)
    raw = put(content)
    assert got(raw) == content
    assert content[:100] not in raw or size < 2


def test_nothing_opens_that_was_touched():
    raw = put(secrets.token_bytes(2 * CHUNK + 5))
    first, second, last = raw[HEAD : HEAD + PIECE], raw[HEAD + PIECE : HEAD + 2 * PIECE], raw[HEAD + 2 * PIECE :]
    touched = {
        "a byte": raw[: HEAD + 7] + bytes([raw[HEAD + 7] ^ 1]) + raw[HEAD + 8 :],
        "the salt": raw[:BEHIND] + bytes([raw[BEHIND] ^ 1]) + raw[BEHIND + 1 :],
        "cut off within a chunk": raw[:-1],
        "cut off behind a chunk": raw[: HEAD + 2 * PIECE],
        "nothing left": raw[:HEAD],
        "more behind": raw + b"x",
        "chunks swapped": raw[:HEAD] + second + first + last,
        "a chunk left out": raw[:HEAD] + first + last,
        "a chunk twice": raw[:HEAD] + first + first + second + last,
    }
    for what, changed in touched.items():
        with pytest.raises(InvalidTag):
            pytest.fail(f"{what}: {len(got(changed))} bytes opened")


def test_nothing_opens_in_anothers_place_or_with_another_key():
    raw = put(b"content")
    for name, key in (("another", KEY), ("name", Key(secrets.token_bytes(32)))):
        with pytest.raises(InvalidTag):
            got(raw, name, key)


# --- how long backups stay -------------------------------------------------------------------------------------------

KEEP = Keep(days=2, daily=30, months=12)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def kept(moments, now):
    ends = KEEP.until(moments)
    return [moment for moment in moments if ends[moment] >= now.date()]


def test_of_a_year_of_hours_some_days_a_month_of_days_and_a_year_of_months_stay():
    hours = [BEGIN + timedelta(hours=hour) for hour in range(400 * 24)]
    now = hours[-1]
    stay = kept(hours, now)
    assert [moment for moment in stay if now - moment < timedelta(days=2)] == hours[-48:]
    days = [moment for moment in stay if timedelta(days=4) < now - moment < timedelta(days=30)]
    assert len(days) == 26
    months = [moment for moment in stay if now - moment > timedelta(days=32)]
    assert len(months) == 12
    assert {local(moment).hour for moment in (*days, *months)} == {0}


@settings(max_examples=30)
@given(st.lists(st.integers(0, 24 * 500), unique=True, min_size=1, max_size=40))
def test_rotating_every_time_leaves_the_same_as_rotating_once(hours):
    moments = [BEGIN + timedelta(hours=hour) for hour in sorted(hours)]
    stay = []
    for moment in moments:
        stay = kept([*stay, moment], moment)
    assert stay == kept(moments, moments[-1])
