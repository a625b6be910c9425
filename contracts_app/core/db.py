"""The database handle, the column types of this office, and the one place where a request commits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request
from flask.typing import ResponseReturnValue
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    ExceptionContext,
    Executable,
    MetaData,
    PrimaryKeyConstraint,
    UniqueConstraint,
    create_engine,
    event,
    func,
    literal_column,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker
from sqlalchemy.types import TypeDecorator
from werkzeug.exceptions import HTTPException

from . import releases

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
LARGEST_ID = 2**31 - 1  # what a key column can hold; a number beyond it is nobody's and is not asked for
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PATIENCE, IN_PASSING = 15_000, 100  # milliseconds a writer waits for another on SQLite


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


_NOUGHT = Decimal("0.00")


def yuan(fen: int | Decimal) -> Decimal:
    """An amount in 元 from the 分 that the database keeps or has added up."""
    return Decimal(fen).scaleb(-2) if fen else _NOUGHT  # of the sums of a large table half are nought


class Money(TypeDecorator[Decimal]):
    """An amount: ``Decimal`` 元 with two places in Python, an integer of 分 in the database.

    Sums of the column come back as 元 too, because SQL's ``sum`` keeps the column's type. A value with more
    than two decimals is a programming error and raises ``ValueError``: nothing is rounded on its way in.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        fen = Decimal(value) * 100
        if fen != fen.to_integral_value():
            raise ValueError(f"{value} 元 has more than two decimals")
        return int(fen)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else yuan(value)


class Scaled(TypeDecorator[Decimal]):
    """A number with a fixed count of decimals: ``Decimal`` in Python, an integer in the database, alike on both.

    A value with more decimals raises ``ValueError``: nothing is rounded on its way in.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        whole = Decimal(value).scaleb(self.places)
        if whole != whole.to_integral_value():
            raise ValueError(f"{value} has more than {self.places} decimals")
        return int(whole)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-self.places)


class Moment(TypeDecorator[datetime]):
    """A point in time: aware and in UTC on both databases, shown in Asia/Shanghai by the template filters."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def word_type(words: type[StrEnum], name: str) -> Enum:
    """An enum stored by value with its own CHECK; ``name`` becomes the constraint's, so it must differ per column."""
    return Enum(
        words,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def true_of_few(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, so that SQLite looks for its rows first: left to itself it takes a range for a quarter."""
    is_sqlite = db.session.get_bind().dialect.name == "sqlite"
    return func.likelihood(condition, literal_column("0.000001")) if is_sqlite else condition


def make_engine(url: str | URL, *, only_read: bool = False) -> Engine:
    """An engine for SQLite or PostgreSQL that obeys the rules this application relies on (see the listeners).

    What is sent to the database stays out of the messages of its errors: logs are no place for personal data. One
    that may ``only_read`` refuses to write.
    """
    url = make_url(url)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True)
        _obey_on_sqlite(engine, only_read)
        return engine
    arguments: dict[str, Any] = {name: value for name, value in _IMPATIENT.items() if name not in url.query}
    # jit: made for reports of minutes; compiling a sum over some thousand rows takes longer than the sum.
    arguments["options"] = "-c timezone=UTC -c jit=off" + (" -c default_transaction_read_only=on" if only_read else "")
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    if not only_read:
        event.listen(engine, "handle_error", _leave_a_standby)
    return engine


# A machine that is gone says nothing, and TCP would wait for a quarter of an hour; seconds, the last milliseconds.
_IMPATIENT = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_READ_ONLY = "25006"


def _leave_a_standby(context: ExceptionContext) -> None:
    """A server that refuses to write has become a standby: the next request looks for the new primary."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def constraint_of(error: IntegrityError) -> str | None:
    """The name of the constraint that was broken; None where the database does not tell (a foreign key of SQLite)."""
    if told := getattr(error.orig, "diag", None):
        return told.constraint_name
    kind, _, what = str(error.orig).partition(" constraint failed: ")
    return _unique_over(what) if kind == "UNIQUE" else what or None


def _unique_over(columns: str) -> str | None:
    """SQLite tells the columns instead of the name: ``contracts.id, contracts.duty``."""
    names = [column.partition(".")[2] for column in columns.split(", ")]
    table = Base.metadata.tables.get(columns.partition(".")[0])
    if table is None:
        return None
    keys = [one for one in table.constraints if isinstance(one, UniqueConstraint | PrimaryKeyConstraint)]
    for key in [*keys, *(index for index in table.indexes if index.unique)]:
        if key.columns.keys() == names:
            return str(key.name)
    return None


def _obey_on_sqlite(engine: Engine, only_read: bool) -> None:
    @event.listens_for(engine, "connect")
    def _settings(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions behind our back
        for setting in ("foreign_keys=on", "journal_mode=wal", f"busy_timeout={PATIENCE}", "synchronous=full"):
            connection.execute(f"pragma {setting}")
        connection.execute(f"pragma query_only={int(only_read)}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes the lock at once: two requests that read first and write later would otherwise
        # both fail with "database is locked" instead of one waiting for the other.
        reads_only = only_read or _ONLY_READS.get() or (has_request_context() and request.method in SAFE_METHODS)
        writes = connection.get_execution_options().get("writes") or not reads_only
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Database:
    """`db.session` is the session of the current application context."""

    def __init__(self) -> None:
        self.session: scoped_session[Session] = scoped_session(
            lambda: (_ELSEWHERE.get() or current_app.extensions["sessions"])(),  # type: ignore[arg-type]  # whichever app
            scopefunc=lambda: (id(g._get_current_object()), id(_ELSEWHERE.get())),
        )

    @property
    def engine(self) -> Engine:
        return current_app.extensions["engine"]


db = Database()
_ELSEWHERE: ContextVar[sessionmaker[Session] | None] = ContextVar("sessions of a copy", default=None)
_ONLY_READS: ContextVar[bool] = ContextVar("nothing is written", default=False)


@contextmanager
def reading_from(sessions: sessionmaker[Session]) -> Iterator[None]:
    """Let ``db.session`` be one of a copy of the database, for what is only read inside."""
    token = _ELSEWHERE.set(sessions)
    try:
        yield
    finally:
        db.session.remove()
        _ELSEWHERE.reset(token)


@contextmanager
def only_reading() -> Iterator[None]:
    """Take no lock on SQLite for what a command reads at length: people go on writing. It sees one moment only."""
    token = _ONLY_READS.set(True)
    try:
        yield
    finally:
        db.session.remove()
        _ONLY_READS.reset(token)


@contextmanager
def reading_beside() -> Iterator[Connection]:
    """A connection of its own that only reads, beside whatever is under way; on SQLite it takes no lock."""
    token = _ONLY_READS.set(True)
    try:
        with db.engine.connect() as connection:
            yield connection
    finally:
        _ONLY_READS.reset(token)


class Office(Flask):
    """A Flask application that keeps a write request which answered well, whole, and leaves no trace of any other.

    The commit happens inside the dispatch, so that a constraint or a stale version found at that moment is
    answered by the same error pages as one found earlier.
    """

    def dispatch_request(self) -> ResponseReturnValue:
        response = self.make_response(super().dispatch_request())
        if request.method not in SAFE_METHODS and response.status_code < 400:
            for write in _besides():
                write()
            db.session.commit()
        return response

    def process_response(self, response: Response) -> Response:
        """Keep what was to be kept besides, last before the answer goes; when that fails, so does the request."""
        for look in self.extensions.get("looking at answers", ()):
            look(response)
        try:
            if writes := _besides():
                db.session.rollback()
                releases.leave_writing_to_the_newer(self, db.session.connection(execution_options={"writes": True}))
                for write in writes:
                    write()
                db.session.commit()
        except HTTPException as refused:
            response.close()
            response = self.make_response(self.handle_user_exception(refused))
        except BaseException:
            response.close()  # a file that is not handed out after all
            raise
        return super().process_response(response)


def keep_besides(write: Callable[[], None]) -> None:
    """Have ``write`` called before the answer of this request goes, in a transaction that is kept whatever else is.

    A write request that answers well keeps it together with its own writes. Any other request's own writes are taken
    back first; so nothing is waited for, and no request holds two connections at once.
    """
    g.setdefault("besides", []).append(write)


def look_at_answers(app: Flask, look: Callable[[Response], None]) -> None:
    """Have every answer looked at before it goes, while something can still be kept besides."""
    app.extensions.setdefault("looking at answers", []).append(look)


def _besides() -> list[Callable[[], None]]:
    """What waits to be kept besides, handed out once: when keeping it fails, the page that says so is not held up."""
    writes: list[Callable[[], None]] = g.pop("besides", [])
    return writes


def init_app(app: Flask, url: str | URL, engine: Engine | None = None) -> None:
    app.extensions["engine"] = engine or make_engine(url)
    app.extensions["sessions"] = sessionmaker(app.extensions["engine"], expire_on_commit=False)

    @app.teardown_appcontext
    def _close(error: BaseException | None) -> None:
        db.session.remove()  # rolls back what was not committed


def write_in_passing(app: Flask, statement: Executable) -> bool:
    """Execute one small statement in a transaction of its own, after an answer has gone; whether it was possible.

    It waits for nobody: where somebody else is writing just then, or the database is a newer release's, it is left.
    For what the next click tells again.
    """
    bind = app.extensions["sessions"]().get_bind()
    try:
        with nullcontext(bind) if isinstance(bind, Connection) else bind.connect() as connection:
            quick = connection.dialect.name == "sqlite" and connection.connection.driver_connection
            if quick:
                quick.execute(f"pragma busy_timeout={IN_PASSING}")
            try:
                with connection.begin_nested() if connection.in_transaction() else connection.begin():
                    if releases.is_newer(app, connection):
                        return False
                    connection.execute(statement)
            finally:
                if quick:
                    quick.execute(f"pragma busy_timeout={PATIENCE}")
    except SQLAlchemyError:
        return False
    return True


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """What a command or a job does as one whole; also a fact kept although its request is refused.

    In a request call it only after the request's own writes were rolled back or before any was made. A newer
    release's database is refused (``releases``).
    """
    token = _ELSEWHERE.set(None)
    try:
        releases.leave_writing_to_the_newer(current_app, db.session.connection())
        yield db.session()
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _ELSEWHERE.reset(token)
