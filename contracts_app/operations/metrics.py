"""Figures of the running process for Prometheus: requests, database, work that waits.

Requests and statements are counted as they come, by this process: several processes are asked each at its own port.
What lies in the database (ledger, log, queues) is looked up when somebody asks; where it does not answer these figures
are left out and ``contracts_database_up`` is 0.
"""

from collections.abc import Callable, Iterable, Iterator
from time import monotonic, perf_counter
from typing import Any

from flask import Flask, Response, current_app, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.counting.summaries import waiting
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import IN_OFFICE, State
from contracts_app.core import logs
from contracts_app.core.database import migrations
from contracts_app.core.database.replica import Replica
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry

from .backup import Latest, latest_backup

disable_created_metrics()  # when each figure was first counted is of no use and doubles their number
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SIGN_IN = "accounts.sign_in"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_QUERY_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
_COUNTED = "contracts.counted"
_BACKUP_EVERY = 60.0  # seconds
_UNDER_WAY = tuple(state for state in State if state in IN_OFFICE or state is State.CORRECTION)


class Metrics:
    """The figures of one application."""

    def __init__(self, app: Flask) -> None:
        self.registry = registry = CollectorRegistry()
        named = ["endpoint", "method"]
        self.requests = Counter(
            "contracts_http_requests_total", "Requests answered", [*named, "status"], registry=registry
        )
        self.seconds = Histogram(
            "contracts_http_request_seconds", "Until the answer", named, buckets=_REQUEST_BUCKETS, registry=registry
        )
        self.under_way = Gauge("contracts_http_requests_under_way", "Being answered now", registry=registry)
        self.sign_ins = Counter("contracts_sign_ins_total", "Forms of the sign-in page", ["outcome"], registry=registry)
        self.uploads = Counter("contracts_uploads_total", "Files taken in", registry=registry)
        self.upload_bytes = Counter("contracts_upload_bytes_total", "Bodies that carried them", registry=registry)
        self.queries = Histogram(
            "contracts_database_query_seconds",
            "Statements, until the database answers",
            ["kind"],
            buckets=_QUERY_BUCKETS,
            registry=registry,
        )
        self.faults = Counter("contracts_database_errors_total", "Statements that failed", registry=registry)
        ProcessCollector(registry=registry)
        registry.register(_Looked(app))


def init_app(app: Flask) -> None:
    """Count from now on. After ``core.logs``, whose clock it reads."""
    metrics = app.extensions["metrics"] = Metrics(app)
    app.before_request(_begin)
    app.after_request(_count)
    app.teardown_request(_end)
    watch(metrics, app.extensions["engine"])


def exposed() -> bytes:
    """Everything, in the text format of Prometheus."""
    return generate_latest(_metrics().registry)


def _metrics() -> Metrics:
    found: Metrics = current_app.extensions["metrics"]
    return found


# --- requests ---------------------------------------------------------------------------------------------------------


def _begin() -> None:
    request.environ[_COUNTED] = True
    _metrics().under_way.inc()


def _end(error: BaseException | None) -> None:
    if request.environ.pop(_COUNTED, False):
        _metrics().under_way.dec()


def _count(response: Response) -> Response:
    metrics = _metrics()
    method = request.method if request.method in _METHODS else "other"
    endpoint = request.endpoint or "none"  # never the address: somebody would invent a million of them
    metrics.requests.labels(endpoint, method, str(response.status_code)).inc()
    metrics.seconds.labels(endpoint, method).observe(logs.seconds())
    if endpoint == SIGN_IN and method == "POST":
        metrics.sign_ins.labels("accepted" if response.status_code < 400 else "refused").inc()
    if request.mimetype == "multipart/form-data" and response.status_code < 400:
        files = sum(bool(file.filename) for _, file in request.files.items(multi=True))
        metrics.uploads.inc(files)
        metrics.upload_bytes.inc((request.content_length or 0) if files else 0)
    return response


# --- the database -----------------------------------------------------------------------------------------------------


def watch(metrics: Metrics, engine: Engine) -> None:
    """Measure every statement that this engine sends."""

    @event.listens_for(engine, "before_cursor_execute")
    def _before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        context.contracts_began = perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def _after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if context is not None:
            metrics.queries.labels(_kind(statement)).observe(perf_counter() - context.contracts_began)

    @event.listens_for(engine, "handle_error")
    def _failed(context: Any) -> None:
        metrics.faults.inc()


def _kind(statement: str) -> str:
    word = statement.lstrip("( \n").partition(" ")[0].lower()
    return {"with": "select"}.get(word, word) if word in _KINDS else "other"


_KINDS = frozenset({"select", "with", "insert", "update", "delete"})


class _Looked:
    """What is looked up whenever somebody asks, one statement each."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def describe(self) -> list[Metric]:
        """Nothing: what there is to tell depends on the database, which nobody asks at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        engine: Engine = self.app.extensions["engine"]
        yield from _pool(engine)
        yield from _replica()
        yield from _backup()
        found: list[Metric] = []
        try:
            for look in _LOOKS:
                found.extend(look())
        except SQLAlchemyError:
            db.session.rollback()
            found = []
        yield _gauge("contracts_database_up", "Whether the database answers", bool(found))
        yield from found


def _pool(engine: Engine) -> Iterator[Metric]:
    if isinstance(engine.pool, QueuePool):
        pool = GaugeMetricFamily("contracts_database_connections", "Connections of this process", labels=["state"])
        pool.add_metric(["in_use"], engine.pool.checkedout())
        pool.add_metric(["idle"], engine.pool.checkedin())
        yield pool


def _migrations() -> Iterable[Metric]:
    current = migrations.is_current(db.engine)
    yield _gauge("contracts_migrations_current", "Whether the database is where this release wants it", current)


def _ledger() -> Iterable[Metric]:
    last = db.session.scalar(select(func.max(LedgerEntry.id))) or 0
    yield _gauge("contracts_ledger_head", "Number of the newest entry of the ledger", last)
    yield _gauge("contracts_ledger_not_folded", "Numbers of entries given since the last folding", waiting())


def _audit() -> Iterable[Metric]:
    head = select(AuditEntry.id, AuditEntry.at).order_by(AuditEntry.id.desc()).limit(1)
    number, at = db.session.execute(head).one_or_none() or (0, None)
    yield _gauge("contracts_audit_head", "Number of the newest entry of the log", number)
    if at is not None:
        yield _gauge("contracts_audit_head_timestamp_seconds", "When it was written", at.timestamp())


def _queues() -> Iterable[Metric]:
    counted = select(Contract.state, func.count()).where(Contract.state.in_(_UNDER_WAY)).group_by(Contract.state)
    number: dict[State, int] = dict(db.session.execute(counted).all())
    queue = GaugeMetricFamily("contracts_queue", "Contracts under way", labels=["state"])
    for state in _UNDER_WAY:
        queue.add_metric([state.value], number.get(state, 0))
    yield queue


def _replica() -> Iterable[Metric]:
    replica: Replica | None = current_app.extensions.get("replica")
    if replica is not None:
        pages = CounterMetricFamily(
            "contracts_replica_pages", "Pages of statistics by whom was asked", labels=["asked"]
        )
        for asked in ("replica", "primary"):
            pages.add_metric([asked], replica.answered[asked])
        yield pages
        if replica.lag is not None:
            yield _gauge("contracts_replica_lag_seconds", "By how much the standby is behind, at most", replica.lag)


def _backup() -> Iterable[Metric]:
    """From the folder of backups, looked at once a minute: it may lie on another machine."""
    kept: tuple[float, Latest | None] | None = current_app.extensions.get("latest_backup")
    if kept is None or monotonic() - kept[0] > _BACKUP_EVERY:
        try:
            kept = monotonic(), latest_backup()
        except OSError:
            kept = monotonic(), None
        current_app.extensions["latest_backup"] = kept
    if newest := kept[1]:
        yield _gauge("contracts_backup_timestamp_seconds", "When the newest backup was made", newest.at.timestamp())
        if newest.verified_at:
            at = newest.verified_at.timestamp()
            yield _gauge("contracts_backup_verified_timestamp_seconds", "When one was last found whole", at)


_LOOKS: tuple[Callable[[], Iterable[Metric]], ...] = (_migrations, _ledger, _audit, _queues)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)
