"""Where contents are kept."""

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta

import pytest

from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.keeping.stores import FolderStore, Kept

MEGABYTE = 1024 * 1024
PDF = b"%PDF-1.7\n1 0 obj\n"


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "files")


def everything_in(store):
    return [path for path in store.root.rglob("*") if path.is_file()]


def place(store, sha256):
    return store.root / sha256[:2] / sha256[2:4] / sha256


def test_a_kept_file_comes_back_by_its_hash(store):
    kept = store.keep(io.BytesIO(PDF), 1000)
    assert kept == Kept(hashlib.sha256(PDF).hexdigest(), len(PDF))
    assert store.exists(kept.sha256)
    with store.open(kept.sha256) as file:
        assert file.read() == PDF


def test_one_content_is_kept_once(store):
    assert store.keep(io.BytesIO(PDF), 1000) == store.keep(io.BytesIO(PDF), 1000)
    assert len(everything_in(store)) == 1


def test_a_kept_file_that_lost_its_end_is_replaced(store):
    kept = store.keep(io.BytesIO(PDF), 1000)
    place(store, kept.sha256).write_bytes(PDF[:3])
    store.keep(io.BytesIO(PDF), 1000)
    assert place(store, kept.sha256).read_bytes() == PDF


def test_only_the_owner_may_read(store):
    path = place(store, store.keep(io.BytesIO(PDF), 1000).sha256)
    assert path.relative_to(store.root).parts == (path.name[:2], path.name[2:4], path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent, store.root)} == {0o700}


def test_a_file_of_exactly_the_limit_is_kept(store):
    assert store.keep(io.BytesIO(bytes(10)), 10).size == 10


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(store):
    with pytest.raises(FileRefused, match=r"文件 25.0 MB，超过 20 MB 上限，压缩或分开后重新选择"):
        store.keep(io.BytesIO(bytes(25 * MEGABYTE)), 20 * MEGABYTE)
    assert everything_in(store) == []


def test_an_empty_file_is_refused_and_leaves_nothing(store):
    with pytest.raises(FileRefused, match="文件是空的"):
        store.keep(io.BytesIO(b""), 10)
    assert everything_in(store) == []


def test_a_connection_that_breaks_leaves_nothing(store):
    class Breaking(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.keep(Breaking(), 10)
    assert everything_in(store) == []


@pytest.mark.parametrize("name", ["", "../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_names_a_file(store, name):
    with pytest.raises(ValueError, match="hexadecimal"):
        store.open(name)


def test_a_content_never_kept_is_not_there(store):
    assert not store.exists("a" * 64)
    with pytest.raises(FileNotFoundError):
        store.open("a" * 64)


def test_what_nothing_refers_to_is_found_after_a_while_and_removed(store):
    kept = store.keep(io.BytesIO(PDF), 1000)
    now = datetime.now(UTC)
    assert list(store.contents(now - timedelta(days=1))) == []
    assert list(store.contents(now + timedelta(days=1))) == [kept]
    assert not store.remove(kept.sha256, now - timedelta(days=1))
    assert store.size(kept.sha256) == len(PDF)
    assert store.remove(kept.sha256, now + timedelta(days=1))
    assert not store.exists(kept.sha256)
    assert not store.remove(kept.sha256, now + timedelta(days=1))


def test_what_is_kept_again_counts_as_new(store):
    kept = store.keep(io.BytesIO(PDF), 1000)
    os.utime(place(store, kept.sha256), (0, 0))
    store.keep(io.BytesIO(PDF), 1000)
    assert not store.remove(kept.sha256, datetime.now(UTC) - timedelta(hours=1))
