"""What lies encrypted in the database: opens with any kept key, in its own place only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.sealing import Key, KeyRing, Unopened


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "data-keys")


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_sealed_opens(text, tmp_path_factory):
    ring = KeyRing(tmp_path_factory.getbasetemp() / "data-keys")
    sealed = ring.seal(text, "brokers.phone")
    assert ring.open(sealed, "brokers.phone") == text


def test_equal_values_do_not_look_equal(ring):
    assert ring.seal("13900001111", "brokers.phone") != ring.seal("13900001111", "brokers.phone")


def test_a_value_opens_in_its_own_place_only(ring):
    with pytest.raises(Unopened):
        ring.open(ring.seal("13900001111", "brokers.phone"), "enterprises.phone")


@pytest.mark.parametrize("wrong", ["", "x", "1:", "1:AAAA", "9:AAAA", "一:二"])
def test_what_was_never_sealed_does_not_open(ring, wrong):
    with pytest.raises(Unopened):
        ring.open(wrong, "brokers.phone")


def test_a_changed_value_does_not_open(ring):
    sealed = ring.seal("13900001111", "brokers.phone")
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    with pytest.raises(Unopened):
        ring.open(changed, "brokers.phone")


def test_the_newest_key_seals_and_older_ones_still_open(ring):
    old = ring.seal("13900001111", "brokers.phone")
    other = KeyRing(ring.file)  # another process, which takes a new key
    with other.file.open("a") as file:
        file.write(f"\n{Key.new(2).written}\n")
    new = other.seal("13900002222", "brokers.phone")
    assert new.startswith("2:")
    assert not other.is_current(old)
    assert other.open(old, "brokers.phone") == "13900001111"
    assert ring.open(new, "brokers.phone") == "13900002222"  # the running one reads the file again by itself


def test_the_file_is_readable_by_its_owner_only(ring):
    ring.seal("13900001111", "brokers.phone")
    assert ring.file.stat().st_mode & 0o077 == 0
