"""A standby of the database that the pages of statistics ask, so that adding up years disturbs nobody who registers.

Who is there, and everything that is written, is asked of the database itself; so is everything while the standby is
away or too far behind. How far that is needs no clock but our own: where the database stood is noted every few seconds,
and the standby is as old as the newest of these places that it has reached.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import wraps
from threading import Lock
from time import monotonic, sleep
from typing import Any

from flask import Flask, request
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from contracts_app.core.db import SAFE_METHODS, make_engine, reading_from
from contracts_app.core.settings import Settings

log = logging.getLogger(__name__)

_EVERY = 2.0  # seconds between two looks
_STANDS_AT = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()), pg_is_in_recovery(), CASE WHEN pg_is_in_recovery()"
    " THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END"
)


class Unfit(Exception):
    """Why the standby is not asked now; a word or two for the log."""


class Replica:
    """The standby of this process: whether it may be asked, and how often it was."""

    def __init__(self, engine: Engine, primary: Engine, most_lag: float) -> None:
        self.engine, self.primary, self.most_lag = engine, primary, most_lag
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self.answered: Counter[str] = Counter()  # pages by whom they were asked of: replica, primary
        self.lag: float | None = None  # seconds at the last look; None while it is not asked
        self._places: deque[tuple[float, int]] = deque(
            maxlen=int(most_lag / _EVERY) + 2
        )  # where the primary stood when
        self._lock = Lock()
        self._next_look = 0.0

    def is_fit(self) -> bool:
        """Whether it may be asked now. One request in a while looks; the others take its word."""
        if monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._next_look = monotonic() + _EVERY
                self._lock.release()
        return self.lag is not None

    def becomes_fit(self, seconds: float = 5) -> bool:
        """Whether it may be asked within that time: under load it takes two looks to know."""
        end = monotonic() + seconds
        self._look()
        while self.lag is None and monotonic() < end:
            sleep(0.5)
            self._look()
        return self.lag is not None

    def leave(self, why: object) -> None:
        """Ask the database itself until the next look."""
        if self.lag is not None:
            log.warning("replica is not asked", extra={"facts": {"why": str(why)}})
        self.lag = None

    def count(self, asked: str) -> None:
        """Note of whom a page was asked."""
        with self._lock:
            self.answered[asked] += 1

    def _look(self) -> None:
        try:
            lag = self._behind()
        except (Unfit, SQLAlchemyError) as error:
            self.leave(error if isinstance(error, Unfit) else "away")
            return
        if self.lag is None:
            log.info("replica is asked", extra={"facts": {"lag": round(lag, 1)}})
        self.lag = lag

    def _behind(self) -> float:
        """By how many seconds, at most. Raises ``Unfit`` where that is too many or nobody can say."""
        if self.engine.dialect.name != "postgresql":
            with self.engine.connect():
                return 0.0
        cluster, _, stood_at = _ask(self.primary)
        self._places.append((monotonic(), stood_at))
        its_cluster, is_standby, reached = _ask(self.engine)
        if its_cluster != cluster:
            raise Unfit("of another database")
        if not is_standby:
            self.engine.dispose()  # where several servers are named, the next connection may find one
            raise Unfit("no standby")
        lag = min((monotonic() - at for at, place in self._places if place <= reached), default=None)
        if lag is None or lag > self.most_lag:
            raise Unfit("behind")
        return lag


def _ask(engine: Engine) -> tuple[int, bool, int]:
    with engine.connect() as connection:
        cluster, is_standby, place = connection.execute(_STANDS_AT).one()
    return cluster, is_standby, int(place or 0)


def init_app(app: Flask, settings: Settings, endpoints: Iterable[str], identify: Callable[[], object]) -> None:
    """Have these pages asked of the standby, if there is one; after they were registered.

    ``identify`` finds out who is there, which the database itself is asked before a page asks anything else.
    """
    if settings.replica_url is None:
        return
    engine = make_engine(settings.replica_url, only_read=True)
    replica = app.extensions["replica"] = Replica(engine, app.extensions["engine"], settings.replica_lag)
    for endpoint in endpoints:
        app.view_functions[endpoint] = _asked_of(replica, app.view_functions[endpoint], identify)


def _asked_of(replica: Replica, view: Callable[..., Any], identify: Callable[[], object]) -> Callable[..., Any]:
    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        identify()
        if request.method in SAFE_METHODS and replica.is_fit():
            try:
                with reading_from(replica.sessions):
                    answer = view(*args, **kwargs)
            except DBAPIError as error:  # gone, or what was being read was cleaned away on the primary
                replica.leave(type(error.orig).__name__)
            else:
                replica.count("replica")
                return answer
        replica.count("primary")
        return view(*args, **kwargs)

    return asked
