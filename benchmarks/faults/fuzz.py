"""Ten thousand malformed requests to the real server, as somebody of every role: no server error, no trace, no hanging.

    python -m benchmarks.faults.fuzz [--requests 10000] [--seed 1] [--contracts 800]

The same seed sends the same requests as long as addresses, forms and the demonstration are the same. A fault is an
answer of 500 or above, no answer within a minute, an error in the server's log, a server that has ended, or a change in
the database by a request that was refused, only reads, or came without a session and a token that fit. Each is printed
with the command that sends it again. At the end the system itself counts its totals again and goes through its log.
"""

import argparse
import re
import socket
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any

from lxml import html
from werkzeug.routing import Rule

from contracts_app import create_app
from contracts_app.accounts.roles import Role
from contracts_app.core.settings import Settings
from contracts_app.operations.access import DOOR

from .malformed import Fields, Ground, Malformed, Person, Sent
from .office import Office, Visitor

WAITS = 60.0  # seconds for an answer
OFTEN = 40  # requests after which somebody looks whether they are still signed in
# Written besides, whatever becomes of a request: the log, who failed to sign in, sessions, what was typed too late.
BESIDES = re.compile(r"audit|sign_in|session|parked|sqlite_|rate")
# They end the session or shut an account out; what they refuse is tried with a token that does not fit.
LEFT_OUT = frozenset({"accounts.sign_out", "accounts.disable_user", "accounts.edit_user", "accounts.invite_user"})
SETTINGS = {"TRUSTED_PROXIES": "1"}  # so that each person asks from an address of their own
# Variable of an address -> what finds its numbers, first those that fit :contract, then any.
NUMBERS = {
    "file_id": "SELECT id FROM attachments",
    "receipt_id": "SELECT id FROM receipts",
    "royalty_id": "SELECT id FROM royalty_statements",
    "benefit_id": "SELECT id FROM benefits",
    "verification_id": "SELECT id FROM verifications",
}
OTHERS = {
    "broker_id": "brokers",
    "enterprise_id": "enterprises",
    "platform_id": "platforms",
    "user_id": "users",
    "delegation_id": "delegations",
    "view_id": "saved_views",
    "snapshot_id": "snapshots",
}
WORDS = {
    "name": ("contract-types", "regions", "nothing"),
    "code": ("acceptance", "certificate", "registration", "application", "nothing"),
    "key": ("A-2025-amount", "x"),
    "set_code": ("2026", "2001", "1900"),
    "other": ("2001", "2026"),
    "token": ("x", "a" * 43),
    "filename": ("css/app.css", "nothing.css"),
    "form": ("json", "csv", "exe"),
    "step": ("submit", "check", "approve", "refuse", "withdraw", "revoke"),
    "number": (1, 0, 2, 99),
    "size": ("pages", "thumbs"),
    "section": ("basics", "parties", "money", "technology", "files", "nothing"),
    "year": (2025, 2026, 1900),
}


@dataclass
class Run:
    """One run: its people, what came back, and what went wrong."""

    office: Office
    seed: int
    tables: sqlite3.Connection
    people: dict[str, Visitor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    forms: dict[tuple[str, str], Fields] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    oddities: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    seen_of_log: int = 0

    # ---- people ----------------------------------------------------------------------------------------------------

    def sign_in(self, role: str) -> Person:
        """Somebody of the role at a browser, from an address of their own."""
        username = self.names[role]
        visitor = AtAddress(self.office.workers[-1].port, f"10.0.0.{len(self.people) + 1 + self.seed % 100}")
        answer = visitor.fill("/sign-in", username=username, password=self.office.accounts()[username])
        if answer.status != 302:
            raise SystemExit(f"{username} could not sign in: {answer.status} {answer.heading}")
        self.people[role] = visitor
        page = visitor.get("/me").text
        token = re.search(r'name="csrf[-_]token" (?:content|value)="([^"]+)"', page)
        assert token, "no token on /me"
        return Person(role, "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()), token[1])

    def form(self, person: Person, path: str) -> Fields:
        """What the first page of that address would send; read once."""
        if (person.name, path) not in self.forms:
            answer = self.people[person.name].get(path)
            found: list[Any] = (
                html.fromstring(answer.text).forms if answer.status == 200 and "<form" in answer.text else []
            )
            self.forms[person.name, path] = [
                (name, value or "") for one in found if one.method == "POST" for name, value in one.form_values()
            ]
        return self.forms[person.name, path]

    # ---- the database ----------------------------------------------------------------------------------------------

    def digest(self) -> dict[str, tuple[int, int]]:
        """Rows and versions of every table that a refused request must leave alone."""
        named = self.tables.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {}
        for name, made in named:
            if not BESIDES.search(name):
                versions = "coalesce(sum(version), 0)" if re.search(r"\bversion\b", made or "") else "0"
                found[name] = self.tables.execute(f'SELECT count(*), {versions} FROM "{name}"').fetchone()  # noqa: S608
        return found

    @property
    def stamp(self) -> int:
        """Changes whenever anybody else has committed."""
        return int(self.tables.execute("PRAGMA data_version").fetchone()[0])

    # ---- sending ---------------------------------------------------------------------------------------------------

    def send(self, sent: Sent) -> int | str:
        """The status of the answer, or what happened instead."""
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.office.workers[-1].port), timeout=WAITS) as wire:
                try:
                    wire.sendall(sent.raw)
                    wire.shutdown(socket.SHUT_WR)  # a length that promises more than comes is no reason to wait
                except OSError:
                    pass  # the server has answered and closed already
                answer = HTTPResponse(wire, method=sent.method.decode("latin-1"))
                answer.begin()
                answer.read()
                return answer.status
        except TimeoutError:
            return "hangs"
        except (ConnectionError, HTTPException) as error:
            return f"no answer: {type(error).__name__}"
        finally:
            self.slowest = max(self.slowest, (time.monotonic() - began, f"{sent.method!r} {sent.target[:100]!r}"))

    def errors_in_log(self) -> str:
        """What the server has written since the last time, if it tells of an error."""
        text = self.office.log()
        new, self.seen_of_log = text[self.seen_of_log :], len(text)
        return (
            new if re.search(r'Traceback|"level": "(error|critical)"|\b(ERROR|CRITICAL)\b', new, re.IGNORECASE) else ""
        )

    def fault(self, number: int, what: str, sent: Sent) -> None:
        who = f"{sent.person}, {sent.endpoint}, {sent.oddities}"
        told = f"--- request {number} of seed {self.seed}: {what} ({who})\n{sent.curl}"
        self.faults.append(told)
        print(told[:6000], flush=True)


class AtAddress(Visitor):
    """A browser whose requests come from an address of their own, as behind a reverse proxy."""

    def __init__(self, port: int, address: str) -> None:
        super().__init__(port)
        self.address = address

    def ask(self, method, path, body=None, headers=None):  # type: ignore[no-untyped-def]
        return super().ask(method, path, body, {**(headers or {}), "X-Forwarded-For": self.address})


def numbers_in(tables: sqlite3.Connection, random: Any) -> Any:
    """Finds ids for the variables of an address: mostly of a contract that the person can see, with what lies below."""
    ids = [number for (number,) in tables.execute("SELECT id FROM contracts")]
    near: dict[str, list[int]] = {}

    def of(person: Person, rule: Rule) -> dict[str, object]:
        if person.name not in near:
            rows = tables.execute(
                "SELECT c.id FROM contracts c JOIN users u ON u.username = ? WHERE c.filed_by_id = u.id"
                " OR (u.username NOT LIKE '%broker%' AND c.unit_code LIKE u.region_code || '%')",
                (NAMES[person.name],),
            )
            near[person.name] = [number for (number,) in rows] or ids
        values: dict[str, object] = {}
        contract = random.choice(near[person.name] if random.random() < 0.8 else ids)
        for name in sorted(rule.arguments):
            if name == "contract_id":
                values[name] = contract
            elif name in NUMBERS:
                found = tables.execute(NUMBERS[name] + " WHERE contract_id = ?", (contract,)).fetchall()
                found = found or tables.execute(NUMBERS[name]).fetchmany(50)
                values[name] = random.choice(found)[0] if found else 1
            elif name in OTHERS:
                found = tables.execute(f"SELECT id FROM {OTHERS[name]} LIMIT 200").fetchall()  # noqa: S608
                values[name] = random.choice(found)[0] if found else 1
            elif name == "move":
                converter = rule._converters["move"]
                values[name] = random.choice(sorted(converter.items))  # type: ignore[attr-defined]
            else:
                values[name] = random.choice(WORDS.get(name, ("x",)))
        return values

    return of


NAMES: dict[str, str] = {}


def opens(person: Person, rule: Rule) -> bool:
    """Whether the table of who opens what says so."""
    return Role(person.name) in DOOR[rule.endpoint].who


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contracts", type=int, default=800)
    asked = parser.parse_args()
    office = Office(settings=SETTINGS)
    try:
        office.prepare(asked.contracts)
        office.start()
        return fuzz(office, asked.requests, asked.seed)
    finally:
        office.close()


def fuzz(office: Office, requests: int, seed: int) -> int:
    """Send them all; 0 when nothing went wrong."""
    tables = sqlite3.connect(f"file:{office.folder / 'contracts.db'}?mode=ro", uri=True, isolation_level=None)
    run = Run(office, seed, tables)
    for role in (one.value for one in Role):
        mine = [name for name in office.accounts() if name.endswith(f"-{role}")]
        run.names[role] = next((name for name in mine if name.startswith("jj-")), mine[0] if mine else "")
    run.names = {role: name for role, name in run.names.items() if name}
    NAMES.update(run.names)
    addresses = create_app(Settings(instance=office.folder, database_url="sqlite://", secret_key="none")).url_map  # noqa: S106
    people = [run.sign_in(role) for role in run.names]
    ground = Ground(addresses, lambda person, rule: {}, run.form, opens, LEFT_OUT)
    stream = Malformed(seed, ground, people)
    ground.numbers = numbers_in(tables, stream.random)
    print(f"seed {seed}, {requests} requests to {len(ground.rules)} addresses as {', '.join(run.names)}", flush=True)
    run.errors_in_log()
    stands, stamp, began = run.digest(), run.stamp, time.monotonic()
    for number in range(1, requests + 1):
        sent = stream.next()
        if run.stamp != stamp:  # looking at a form writes nothing but the log; whatever else it was is not this one's
            stands, stamp = run.digest(), run.stamp
        status = run.send(sent)
        run.statuses[status if isinstance(status, int) else 0] += 1
        run.oddities.update(set(sent.oddities))
        if not isinstance(status, int):
            if status == "hangs" or "length" not in sent.oddities:  # what never came whole need not be answered
                run.fault(number, status, sent)
        elif status >= 500 and status != 501:  # 501: the server's own word on a Transfer-Encoding it does not know
            run.fault(number, f"answers {status}", sent)
        if told := run.errors_in_log():
            run.fault(number, f"error in the log: {told[-1500:]}", sent)
        if office.workers[-1].process.poll() is not None:
            run.fault(number, "the server has ended", sent)
            break
        if run.stamp != stamp:
            now = run.digest()
            if now != stands and (not sent.may_write or not isinstance(status, int) or status >= 400):
                changed = {name for name in now if now[name] != stands.get(name)}
                run.fault(number, f"answers {status} and changes {sorted(changed)}", sent)
            stands, stamp = now, run.stamp
        if number % OFTEN == 0:
            for role, visitor in run.people.items():
                if visitor.get("/me").status != 200:
                    stream.people[role] = run.sign_in(role)
                    break
        if number % 1000 == 0:
            print(f"{number}: {time.monotonic() - began:.0f} s, {len(run.faults)} faults", flush=True)
    print("answers:", dict(sorted(run.statuses.items())))
    print("oddities:", dict(run.oddities.most_common()))
    print(f"slowest: {run.slowest[0]:.2f} s {run.slowest[1]}")
    sound = office.verify()
    print("afterwards:", {name: "sound" if is_sound else "BROKEN" for name, is_sound in sound.items()})
    print(f"{len(run.faults)} faults in {requests} requests of seed {seed}")
    return 0 if not run.faults and all(sound.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
