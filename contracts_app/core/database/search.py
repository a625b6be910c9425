# ruff: noqa: S608  (the only thing put into a statement is the name of a table, from our own code)
"""Words inside Chinese text: a bigram index that SQLite and PostgreSQL both answer from, two characters or one.

Neither database ships a search that finds "技术" inside "高技术" (speed was measured at a million rows). Each index
is one table, made by hand in a migration: FTS5 on SQLite, a ``tsvector`` with GIN on PostgreSQL.
"""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, column, select, table, text
from sqlalchemy.orm import InstrumentedAttribute

from contracts_app.core.db import db
from contracts_app.core.text import search_key

BETWEEN = "·"  # stands between two texts so that no phrase runs from one into the next; no search key holds it
POSITIONS = 16_383  # PostgreSQL keeps no position beyond; longer text is not indexed further


def ddl_sqlite(name: str) -> list[str]:
    """The statements that make the index table on SQLite; for migrations."""
    # The tokens are made here, so the plainest tokenizer is the right one: it takes every character beyond ASCII for a
    # letter, while unicode61 drops those that are newer than its own tables.
    return [f"CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize='ascii')"]


def ddl_postgresql(name: str) -> list[str]:
    """The statements that make the index table on PostgreSQL; for migrations."""
    return [
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, words tsvector NOT NULL)",
        # A pending list would make every search slower until the next vacuum.
        f"CREATE INDEX ix_{name}_words ON {name} USING gin (words) WITH (fastupdate = off)",
        f"ALTER TABLE {name} ALTER COLUMN words SET STATISTICS 1000",
    ]


class SearchIndex:
    """The words of one kind of record, kept by id."""

    def __init__(self, name: str) -> None:
        self.name = name

    def put(self, rows: Iterable[tuple[int, Iterable[str]]]) -> None:
        """Index the texts of each id, in place of what was indexed before."""
        on_sqlite = db.engine.dialect.name == "sqlite"
        values = [{"id": key, "words": _fts(texts) if on_sqlite else _tsvector(texts)} for key, texts in rows]
        if not values:
            return
        if on_sqlite:
            db.session.execute(text(f"DELETE FROM {self.name} WHERE rowid = :id"), values)
            db.session.execute(text(f"INSERT INTO {self.name} (rowid, words) VALUES (:id, :words)"), values)
        else:
            db.session.execute(
                text(
                    f"INSERT INTO {self.name} (id, words) VALUES (:id, CAST(:words AS tsvector))"
                    " ON CONFLICT (id) DO UPDATE SET words = excluded.words"
                ),
                values,
            )

    def remove(self, key: int) -> None:
        """Forget one record."""
        key_column = "rowid" if db.engine.dialect.name == "sqlite" else "id"
        db.session.execute(text(f"DELETE FROM {self.name} WHERE {key_column} = :id"), {"id": key})

    def ids(self, words: str) -> Select[int] | None:
        """The ids whose texts hold every one of the words, which blanks divide; None when none is given."""
        terms = [key for word in words.split() if (key := search_key(word))]
        if not terms:
            return None
        if db.engine.dialect.name == "sqlite":
            found = table(self.name, column("rowid"))
            match = " AND ".join(_fts_phrase(term) for term in terms)
            return select(found.c.rowid).where(text(f"{self.name} MATCH :words").bindparams(words=match))
        found = table(self.name, column("id"), column("words"))
        match = " & ".join(f"({_ts_phrase(term)})" for term in terms)
        return select(found.c.id).where(text(f"{self.name}.words @@ CAST(:words AS tsquery)").bindparams(words=match))

    def matches(self, key: InstrumentedAttribute[int], words: str) -> ColumnElement[bool] | None:
        """The condition that the record with this id column holds the words."""
        ids = self.ids(words)
        return None if ids is None else key.in_(ids)


@lru_cache(maxsize=4096)  # names of parties come again and again when many records are indexed
def _tokens(words: str) -> tuple[str, ...]:
    """Bigrams, and the last character alone, so that a single character is found as the beginning of a token."""
    plain = search_key(words)
    return tuple(plain[index : index + 2] for index in range(len(plain)))


def _fts(texts: Iterable[str]) -> str:
    return f" {BETWEEN} ".join(" ".join(_tokens(one)) for one in texts if one)


def _fts_phrase(term: str) -> str:
    return f'"{term}"*' if len(term) == 1 else '"' + " ".join(_bigrams(term)) + '"'


def _tsvector(texts: Iterable[str]) -> str:
    # Written out by hand: PostgreSQL's own parser would drop or join some of the two-character tokens.
    position, parts = 0, list[str]()
    for one in texts:
        for token in _tokens(one):
            position += 1
            if position > POSITIONS:
                return " ".join(parts)
            parts.append(f"'{token}':{position}")
        position += 1
    return " ".join(parts)


def _ts_phrase(term: str) -> str:
    return f"'{term}':*" if len(term) == 1 else " <-> ".join(f"'{pair}'" for pair in _bigrams(term))


def _bigrams(term: str) -> list[str]:
    return [term[index : index + 2] for index in range(len(term) - 1)]
