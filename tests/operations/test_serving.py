"""The real server as a process of its own: told to stop, it finishes what has begun and loses nothing."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A server with one page that keeps what it was sent, slowly. It has no need of any data of the office.
SERVER = """
import socket, sys, time
from pathlib import Path
from flask import request
from contracts_app.core import db, installation, logs
from contracts_app.core.settings import Settings
from contracts_app.operations import health, serving

folder, drain, within = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
app = db.Office("server")
app.config["MAX_CONTENT_LENGTH"] = 1000
app.config["SETTINGS"] = Settings(instance=folder, database_url="", secret_key="k", log_format="json")
db.init_app(app, f"sqlite:///{folder}/x.db")
for part in (logs, serving):
    part.init_app(app)
app.register_blueprint(health.bp)
installation.InstallationFact.__table__.create(app.extensions["engine"])

def write():
    (folder / "begun").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
    installation.set_fact(request.form["name"], "kept")
    return "kept"

app.add_url_rule("/write", "write", write, methods=["POST"])
app.add_url_rule("/told", "told", lambda: "{X-Forwarded-For} {X-Forwarded-Proto}".format_map(request.headers))
logs.configure(app.config["SETTINGS"])
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
serving.serve(app, listening, threads=3, drain=drain, within=within)
"""


class Server:
    """The process, where it listens, and the folder in which it writes."""

    def __init__(self, folder, drain, within):
        self.folder = folder
        command = [sys.executable, "-c", SERVER, str(folder), str(drain), str(within)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def get(self, path, **headers):
        """Status and text."""
        try:
            answer = urlopen(Request(f"http://127.0.0.1:{self.port}{path}", headers=headers), timeout=20)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.read().decode().strip()

    def kept(self):
        with closing(sqlite3.connect(self.folder / "x.db")) as database:
            return {name for (name,) in database.execute("SELECT name FROM installation_facts")}

    def begin_to_write(self, body, send=None):
        """A connection over which a form was begun: ``send`` is what of it has gone so far."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        head = (
            "POST /write HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded"
            f"\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(f"{head}{body[:send]}".encode())
        return connection

    def wait_for(self, name):
        self.until(lambda: (self.folder / name).exists())

    def until(self, is_so):
        end = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < end
            time.sleep(0.02)

    def lets_in(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=20).close()
        except ConnectionRefusedError:
            return False
        return True

    def tell(self, number=signal.SIGTERM):
        os.kill(self.process.pid, number)

    def end(self):
        """Its exit status and what it said."""
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def server(tmp_path):
    started = []

    def start(drain=0, within=20):
        started.append(Server(tmp_path, drain, within))
        return started[0]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def answer_of(connection):
    with closing(connection):
        said = b""
        while part := connection.recv(65536):
            said += part
        return said.decode()


def test_a_write_under_way_is_answered_and_kept_and_nobody_new_is_let_in(server):
    """One is being done, of one only half has been sent, when it is told to stop."""
    running = server(drain=60)
    from_a_proxy = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    assert running.get("/told", **from_a_proxy) == (200, "203.0.113.7 https"), "the application judges what proxies say"
    refused = answer_of(running.begin_to_write("name=" + "x" * 2000, send=5))
    assert "413 Request Entity Too Large" in refused, "as soon as it says how long it is"
    assert "这次提交的内容太大" in refused
    doing = running.begin_to_write("name=first")
    running.wait_for("begun")
    sending = running.begin_to_write("name=second", send=5)
    running.tell()
    running.until(lambda: running.get("/readyz") == (503, "stopping"))
    assert running.get("/healthz") == (200, "ok"), "while the balancer is told, everybody is served"
    running.tell()  # that is enough for the balancer
    running.until(lambda: not running.lets_in())
    (running.folder / "go").touch()
    assert "200 OK" in answer_of(doing)
    assert running.kept() == {"first"}
    sending.sendall(b"second")
    assert "200 OK" in answer_of(sending)
    assert running.kept() == {"first", "second"}
    status, said = running.end()
    assert status == 0, said
    assert '"message": "stopped", "unfinished": 0' in said


def test_what_never_ends_is_given_up(server):
    running = server(within=0.2)
    with closing(running.begin_to_write("name=never")):
        running.wait_for("begun")
        running.tell()
        status, said = running.end()
    assert status == 0
    assert '"unfinished": 1' in said
    assert running.kept() == set()
