"""Uploaded files and a virus scanner: what it says decides, and without its word nothing is taken."""

import io
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import pytest
from flask import Flask

from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.keeping.scanner import refuse_infected, scanner_answers


@contextmanager
def clamd(place, reply) -> Iterator[list[bytes]]:
    """A scanner that speaks clamd's language, answers everything with ``reply`` and keeps what it was sent."""
    received: list[bytes] = []

    def exactly(line, size):
        data = b""
        while len(data) < size and (chunk := line.recv(size - len(data))):
            data += chunk
        return data

    def serve():
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                command = b""
                while not command.endswith(b"\0"):
                    command += line.recv(1)
                if command == b"zPING\0":
                    line.sendall(b"PONG\0")
                    continue
                content = b""
                while size := struct.unpack("!L", exactly(line, 4))[0]:
                    content += exactly(line, size)
                received.append(content)
                line.sendall(reply)

    listening = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
    listening.bind(place)
    listening.listen()
    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.fixture
def scan(settings):
    def scan(content, at):
        app = Flask("of the scanner")
        app.config["SETTINGS"] = replace(settings, clamd=at)
        with app.app_context():
            stream = io.BytesIO(content)
            refuse_infected(stream)
            return stream.tell()

    return scan


def test_what_is_clean_is_taken_and_was_looked_at_whole(scan, tmp_path):
    place, content = str(tmp_path / "clamd"), bytes(range(256)) * 3000  # more than one piece
    with clamd(place, b"stream: OK\0") as received:
        assert scan(content, place) == 0
    assert received == [content]


def test_it_is_reached_by_network_too(scan):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with clamd(("127.0.0.1", port), b"stream: OK\0") as received:
        scan(b"x", f"127.0.0.1:{port}")
        assert scanner_answers(f"127.0.0.1:{port}")
    assert received == [b"x"]


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (b"stream: Eicar-Signature FOUND\0", "病毒扫描发现这个文件有问题"),
        (b"INSTREAM size limit exceeded. ERROR\0", "超过病毒扫描能检查的大小"),
        (b"something else\0", "病毒扫描没有完成"),
        (b"", "病毒扫描暂时不能用"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(scan, tmp_path, reply, sentence):
    place = str(tmp_path / "clamd")
    with clamd(place, reply), pytest.raises(FileRefused, match=sentence):
        scan(b"x", place)


@pytest.mark.parametrize("at", ["/nowhere/clamd", "nowhere", "127.0.0.1:1", "127.0.0.1:x"])
def test_without_its_word_nothing_is_taken(scan, at):
    with pytest.raises(FileRefused, match="病毒扫描暂时不能用"):
        scan(b"x", at)
    assert not scanner_answers(at)


def test_who_has_no_scanner_is_not_asked(scan):
    assert scan(b"x", None) == 0
