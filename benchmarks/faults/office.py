"""A demonstration of its own in a folder of its own, served by real processes, and people who use it by HTTP.

Every fault script makes one, does harm to it, and asks ``Office.audit`` afterwards what was lost.
"""

import csv
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from lxml import html

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0  # seconds a server may take until it answers


def free_port() -> int:
    """A port of loopback on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Worker:
    """One server process."""

    port: int
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """As a power cut would: no signal handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As an upgrade would; the exit status."""
        self.process.terminate()
        return self.process.wait(60)


@dataclass
class Office:
    """The installation: its folder, its database, its servers."""

    url: str = ""  # SQLite in the folder if none is said
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="contracts-faults-")))
    logs: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="contracts-faults-logs-")))
    code: Path = ROOT  # which checkout's code runs it
    settings: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see."""
        own = {"INSTANCE_DIR": str(self.folder), "LOG_FORMAT": "json"}
        return os.environ | own | ({"DATABASE_URL": self.url} if self.url else {}) | self.settings

    def command(self, *words: str, check: bool = True, code: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``flask --app wsgi …`` of this installation."""
        said = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        done = subprocess.run(said, cwd=code or self.code, env=self.environment, capture_output=True, text=True)
        if check and done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def prepare(self, contracts: int = 2000, waiting: int = 0) -> list[int]:
        """Load the demonstration; with ``waiting`` contracts more that 晋江市's second person only has to register."""
        self.command("demo", "--contracts", str(contracts))
        return [int(number) for number in self.script("waiting", str(waiting)).split()] if waiting else []

    def script(self, name: str, *words: str) -> str:
        """Run a module of this package on the installation; what it printed."""
        said = [sys.executable, "-m", f"benchmarks.faults.{name}", *words]
        made = subprocess.run(said, cwd=self.code, env=self.environment, capture_output=True, text=True)
        if made.returncode:
            raise SystemExit(made.stderr[-3000:])
        return made.stdout

    def start(self, port: int | None = None, code: Path | None = None, extra: dict[str, str] | None = None) -> Worker:
        """One more server process, answering. ``extra``: what else its environment says."""
        port = port or free_port()
        said = [sys.executable, "-m", "flask", "--app", "wsgi", "start", "--no-demo"]
        log = (self.logs / f"server-{port}.log").open("ab")
        environment = self.environment | {"PORT": str(port)} | (extra or {})
        process = subprocess.Popen(said, cwd=code or self.code, env=environment, stdout=log, stderr=log)
        worker = Worker(port, process)
        self.workers.append(worker)
        self._wait(worker)
        return worker

    def _wait(self, worker: Worker) -> None:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                if Visitor(worker.port).get("/sign-in").status == 200:
                    return
            if worker.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"the server on port {worker.port} did not answer, see {self.logs}/server-{worker.port}.log")

    def accounts(self) -> dict[str, str]:
        """User name -> password of the demonstration."""
        with (self.folder / "demo-accounts.csv").open(encoding="utf-8") as file:
            return {line["username"]: line["password"] for line in csv.DictReader(file)}

    def sign_in(self, username: str, password: str = "", port: int | None = None) -> "Visitor":
        """That person at a browser; with the password of the demonstration if none is said."""
        visitor = Visitor(port or self.workers[-1].port)
        answer = visitor.fill("/sign-in", username=username, password=password or self.accounts()[username])
        if answer.status != 302:
            raise SystemExit(f"{username} could not sign in: {answer.status}")
        return visitor

    def verify(self) -> dict[str, bool]:
        """What the system itself says of its figures and its log: every sum counted again, the chain of the log."""
        checks = {"totals verify": ("totals", "verify"), "audit verify": ("audit", "verify")}
        said = {name: self.command(*words, check=False) for name, words in checks.items()}
        for name, done in said.items():
            if done.returncode:
                print(f"{name}: {done.stdout[-1500:]} {done.stderr[-1500:]}", file=sys.stderr)
        return {name: done.returncode == 0 for name, done in said.items()}

    def log(self) -> str:
        """Everything its servers wrote."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.logs.glob("server-*.log")))

    def close(self) -> None:
        """Stop what runs and remove the folder."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        for folder in (self.folder, self.logs):
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def heading(self) -> str:
        """The page's first heading, for telling what went wrong."""
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)
        return re.sub(r"<[^>]+>|\s+", " ", found[1]).strip() if found else ""


class Visitor:
    """A browser without a screen: keeps cookies, fills the forms it is shown. Follows no redirect by itself."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.port, self.timeout = port, timeout
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own. Raises ``OSError`` when nobody answers."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
            for line in response.headers.get_all("Set-Cookie") or ():
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return answer
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        return self.ask("POST", path, urlencode(fields).encode(), kind)

    def upload(self, path: str, fields: dict[str, str], name: str, filename: str, content: bytes) -> Answer:
        """A form with one file."""
        mark = "----a-boundary-that-no-file-holds"
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
        file = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        head = ("".join(parts) + file + "Content-Type: application/octet-stream\r\n\r\n").encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={mark}", "Sec-Fetch-Site": "same-origin"}
        return self.ask("POST", path, head + content + f"\r\n--{mark}--\r\n".encode(), kind)

    def form(self, path: str, ending: str = "") -> tuple[str, dict[str, str]]:
        """Where the form of a page goes whose address ends so, and what it holds. ``LookupError`` if there is none."""
        shown = self.get(path)
        if shown.status == 200:
            for found in html.fromstring(shown.text).forms:
                action = found.action or path
                if found.method == "POST" and action.split("?")[0].endswith(ending) and "sign-out" not in action:
                    return action, {name: value or "" for name, value in found.form_values()}
        raise LookupError(f"{path}: {shown.status} {shown.heading}")

    def fill(self, path: str, *, ending: str = "", **answers: str) -> Answer:
        """Open a page, fill its form in, send it."""
        action, fields = self.form(path, ending or path.split("?")[0])
        return self.post(action, fields | answers)
