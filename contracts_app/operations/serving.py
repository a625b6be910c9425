"""The server: waitress, which stops gracefully when it is told to (SIGTERM, or Ctrl-C).

First /readyz says 503 for as long as a balancer needs to notice, while everything is answered as before. Then nobody
new is let in, what has begun is read, done and answered to its end, and the process ends with 0. It does not wait
forever: what takes longer than the limit is given up, and the database takes back what it had not committed.
"""

import gc
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from select import select
from time import monotonic, time
from typing import Any

from flask import Flask, current_app
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.utilities import RequestEntityTooLarge

log = logging.getLogger(__name__)

_QUIET_FOR = 1.0  # seconds without a word from a connection, after which nothing more is on its way
_TIMES_TOO_LONG = 2  # what the application takes, of which no more is read
_GIVEN_UP_WITHIN = 0.5  # seconds for threads to end that have nothing to do


def init_app(app: Flask) -> None:
    app.extensions["stopping"] = threading.Event()


def is_stopping() -> bool:
    """Whether this process has been told to stop and takes leave of its balancer."""
    stopping: threading.Event = current_app.extensions["stopping"]
    return stopping.is_set()


def serve(app: Flask, listening: socket.socket, *, threads: int, drain: float, within: float) -> None:
    """Serve until told to stop; ``drain`` seconds more with /readyz at 503, then at most ``within`` to finish."""
    stopping: threading.Event = app.extensions["stopping"]
    sockets: dict[int, Any] = {}
    # What proxies tell is judged by the application, which knows how many stand before it (``TRUSTED_PROXIES``) and
    # which pages a proxy nobody told of must not open. Waitress would take it away, and everybody would be 127.0.0.1.
    told = {"clear_untrusted_proxy_headers": False}
    # Waitress takes in a whole body before the application is asked, up to a GB where nothing is said. What is a little
    # too long gets the application's page, beside the files that are there; what is far too long a sentence.
    most = {"max_request_body_size": _TIMES_TOO_LONG * app.config["MAX_CONTENT_LENGTH"]}
    server = create_server(app, map=sockets, sockets=[listening], threads=threads, ident=None, **told, **most)
    server.channel_class = type("Channel", (_Channel,), {"stopping": stopping})
    set_aside_what_is_loaded()
    with _told_by_signals(stopping, server) as hurried:
        while not stopping.is_set():
            wasyncore.loop(timeout=1, map=sockets, count=1)
        log.info("stopping", extra={"facts": {"drain": drain}})
        _run_until(monotonic() + drain, sockets, hurried)
        hurried.clear()  # that ended the wait for the balancer; what is under way is still finished
        _let_in_nobody(server)
        unfinished = _finish(server, sockets, monotonic() + within, hurried)
        log.log(logging.WARNING if unfinished else logging.INFO, "stopped", extra={"facts": {"unfinished": unfinished}})
        server.task_dispatcher.shutdown(timeout=_GIVEN_UP_WITHIN)
        wasyncore.close_all(sockets)
    gc.freeze()  # the process ends: nobody need look once more through everything it ever loaded


def set_aside_what_is_loaded() -> None:
    """Have the collection of garbage leave alone what a start loads for good.

    It would look through all of it now and then in the middle of a request, which then waits for a tenth of a second.
    """
    gc.collect()
    gc.freeze()


class _TooLong(RequestEntityTooLarge):
    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        sentence = "413 这次提交的内容太大，没有收下。压缩文件，或分几次上传。\n"
        return f"413 {self.reason}", [("Content-Type", "text/plain; charset=utf-8")], sentence.encode()


class _Parser(HTTPRequestParser):
    error: Any

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self.error = _TooLong(self.error.body)
        return taken


class _Channel(HTTPChannel):
    """A connection that is closed after its answer once the server stops, so that none is kept busy for ever."""

    parser_class = _Parser
    stopping: threading.Event

    def service(self) -> None:
        if self.stopping.is_set():
            self.requests[0].headers["CONNECTION"] = "close"
        super().service()


def _run_until(end: float, sockets: dict[int, Any], hurried: threading.Event) -> None:
    while (left := end - monotonic()) > 0 and not hurried.is_set():
        wasyncore.loop(timeout=min(left, 0.5), map=sockets, count=1)


def _let_in_nobody(server: Any) -> None:
    """Take in who has knocked already, then close the door."""
    while select([server.socket], [], [], 0)[0]:
        server.handle_accept()
    wasyncore.dispatcher.close(server)  # the listening socket alone: the connections go on


def _finish(server: Any, sockets: dict[int, Any], end: float, hurried: threading.Event) -> int:
    """Go on until nothing is under way; how many connections were given up because it was time or somebody hurried."""
    while True:
        channels = list(server.active_channels.values())
        for idle in (channel for channel in channels if not _is_busy(channel)):
            idle.handle_close()
        busy = sum(map(_is_busy, channels))
        if not busy or monotonic() >= end or hurried.is_set():
            return busy
        wasyncore.loop(timeout=0.05, map=sockets, count=1)


def _is_busy(channel: Any) -> bool:
    """Whether something is being read, done or answered, or may be on its way."""
    is_working = channel.requests or channel.request is not None or channel.total_outbufs_len
    return channel.connected and (bool(is_working) or time() - channel.last_activity < _QUIET_FOR)


@contextmanager
def _told_by_signals(stopping: threading.Event, server: Any) -> Iterator[threading.Event]:
    """Let SIGTERM and SIGINT stop the server; what is given is set by every further one: who asks twice is in haste."""
    hurried = threading.Event()

    def told(number: int, frame: Any) -> None:
        (hurried if stopping.is_set() else stopping).set()
        server.pull_trigger()  # it may be waiting for a word

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield hurried
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
