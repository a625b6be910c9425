"""What lies encrypted in the database: opens with any kept key, in its own place only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.keeping.sealing import Key, KeyRing, Unopened
from contracts_app.core.settings import Misconfigured


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


def test_no_key_is_made_in_place_of_a_lost_one(tmp_path):
    sealed = KeyRing(tmp_path / "data-keys").seal("13900001111", "brokers.phone")
    lost = KeyRing(tmp_path / "elsewhere", is_in_use=lambda: True)
    for ask in (lost.seal, lost.open):
        with pytest.raises(Unopened):
            ask(sealed, "brokers.phone")
    with pytest.raises(Misconfigured, match="放回去"):
        lost.keys  # noqa: B018
    assert not lost.file.exists()


def test_keys_that_were_read_go_on_while_their_disk_is_away(ring):
    sealed = ring.seal("13900001111", "brokers.phone")
    ring.file.rename(ring.file.with_name("away"))
    assert ring.open(ring.seal("13900002222", "brokers.phone"), "brokers.phone") == "13900002222"
    assert ring.open(sealed, "brokers.phone") == "13900001111"
    assert not ring.file.exists()
