"""The people of the demonstration: nine who can sign in, and those whose names stand in the histories."""

import csv
import os
import secrets
import string
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from argon2 import PasswordHasher

from contracts_app.accounts.entrance.passwords import faults_of_password, set_password
from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.accounts.users import actions
from contracts_app.brokers.models import Broker, Grade
from contracts_app.core.clock import local, now_utc
from contracts_app.core.db import db
from contracts_app.core.text import person_initials, person_pinyin
from contracts_app.regions.models import Unit

from .parties import Party
from .plan import JINJIANG
from .words import Words

CITY, SHISHI = "350500", "350581"
SIGN_INS = (
    ("jj-broker", Role.BROKER, JINJIANG),
    ("jj-registrar", Role.REGISTRAR, JINJIANG),
    ("jj-reviewer", Role.REVIEWER, JINJIANG),
    ("jj-manager", Role.MANAGER, JINJIANG),
    ("jj-admin", Role.ADMIN, JINJIANG),
    ("jj-auditor", Role.AUDITOR, JINJIANG),
    ("qz-manager", Role.MANAGER, CITY),
    ("ss-registrar", Role.REGISTRAR, SHISHI),
)
SECURITY = ("jj-security", Role.SECURITY, JINJIANG)
_BACKGROUND = {Role.BROKER: 4, Role.REGISTRAR: 2, Role.REVIEWER: 2}
_BACKGROUND_JINJIANG = {Role.BROKER: 11, Role.REGISTRAR: 2, Role.REVIEWER: 1}


@dataclass
class People:
    """Who works where; the sign-ins stand first in their lists."""

    registrars: dict[str, list[User]] = field(default_factory=lambda: defaultdict(list))
    reviewers: dict[str, list[User]] = field(default_factory=lambda: defaultdict(list))
    brokers: dict[str, list[Broker]] = field(default_factory=lambda: defaultdict(list))
    sign_ins: list[User] = field(default_factory=list)
    by_id: dict[int, User] = field(default_factory=dict)


def settle(rng: Random, words: Words, units: list[Unit], agencies: dict[str, Party], at: datetime) -> People:
    """Everybody, saved; nobody has a password yet."""
    people, names, settled = People(), _names(rng, words), []
    wanted = [(username, role, region, True) for username, role, region in SIGN_INS]
    for unit in units:
        numbers = _BACKGROUND_JINJIANG if unit.code == JINJIANG else _BACKGROUND
        wanted += [
            (f"{unit.number_prefix.lower()}-{role.value}-{number}", role, unit.code, False)
            for role, count in numbers.items()
            for number in range(2, count + 2)
        ]
    for username, role, region_code, signs_in in wanted:
        user = actions.drafted(username=username, name=next(names), roles=frozenset({role}), region_code=region_code)
        user.created_at = at
        settled.append((user, role, signs_in))
    settled.append((_security(words, settled, at), Role.SECURITY, True))
    db.session.add_all(user for user, *_ in settled)
    db.session.flush()
    for user, role, signs_in in settled:
        region_code = user.region_code
        people.by_id[user.id] = user
        if signs_in:
            people.sign_ins.append(user)
        if role is Role.REGISTRAR:
            people.registrars[region_code].append(user)
        elif role is Role.REVIEWER:
            people.reviewers[region_code].append(user)
        elif role is Role.BROKER:
            people.brokers[region_code].append(_broker(rng, user, agencies[region_code]))
    db.session.flush()
    return people


def _security(words: Words, settled: list[tuple[User, Role, bool]], at: datetime) -> User:
    """The security administrator, last and named apart: everybody else keeps the name and number they always had."""
    taken = {user.name for user, *_ in settled}
    names = _names(Random(SECURITY[0]), words)  # noqa: S311
    name = next(name for name in names if name not in taken)
    username, role, region_code = SECURITY
    user = actions.drafted(username=username, name=name, roles=frozenset({role}), region_code=region_code)
    user.created_at = at
    return user


def _names(rng: Random, words: Words):  # type: ignore[no-untyped-def]  # an endless generator of texts
    seen = set()
    while True:
        name = rng.choice(words.surnames) + "".join(rng.sample(words.given_names, rng.choice((1, 2, 2, 2))))
        if name not in seen:
            seen.add(name)
            yield name


def _broker(rng: Random, user: User, agency: Party) -> Broker:
    broker = Broker(
        name=user.name,
        pinyin=person_pinyin(user.name),
        initials=person_initials(user.name),
        grade=rng.choices(list(Grade), (6, 3, 1))[0],
        certificate_number=f"DEMO-{user.id:06}",
        phone=f"0595-000{rng.randrange(10_000):04}",
        employer_id=agency.id,
        region_code=user.region_code,
        user_id=user.id,
    )
    db.session.add(broker)
    return broker


# ---- passwords: made at load, written to one file, never shipped ----------------------------------------------------


def give_passwords(people: People) -> list[tuple[User, str]]:
    """A random password for each who signs in."""
    given = []
    # 12 signs drawn by chance are not guessed, however quick each try; nine hashes at full cost take seconds.
    light = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
    for user in people.sign_ins:
        password = _password(user)
        set_password(user, password, light)
        given.append((user, password))
    return given


def _password(user: User) -> str:
    signs = [sign for sign in string.ascii_letters + string.digits if sign not in "0O1lI"]  # nothing to misread
    while True:
        password = "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(3))
        if not faults_of_password(password, user) and any(sign.isdigit() for sign in password):
            return password


def write_accounts(file: Path, given: list[tuple[User, str]]) -> Path | None:
    """Write the sign-ins so that only the owner reads them. One already there is kept aside; its new name returned."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = None
    if file.exists():
        aside = file.with_name(f"{file.stem}-{local(now_utc()):%Y%m%d-%H%M%S-%f}{file.suffix}")
        file.rename(aside)
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as out:
        lines = csv.writer(out)
        lines.writerow(["role", "region", "username", "password"])
        for user, password in given:
            lines.writerow([*(role.value for role in user.roles), user.region.name, user.username, password])
    return aside
