"""What is true of this installation as a whole, kept in its own database: above all, whether it is a demonstration."""

from flask import Flask, current_app
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .db import Base, db


class InstallationFact(Base):
    """One fact about the installation, by name."""

    __tablename__ = "installation_facts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


def fact(name: str) -> str | None:
    """The fact of that name, if it was ever set."""
    found = db.session.get(InstallationFact, name)
    return found.value if found else None


def set_fact(name: str, value: str) -> None:
    """Keep a fact, in place of what was kept before."""
    db.session.merge(InstallationFact(name=name, value=value))


def is_demonstration() -> bool:
    """Whether the data are generated; every page says so then. Asked once per process when true: it never ends."""
    known = current_app.extensions.setdefault("installation", {})
    if not known.get("demonstration"):
        known["demonstration"] = fact("mode") == "demonstration"
    return known["demonstration"]


def known_demonstration() -> bool:
    """The same without asking the database: False when this process has not asked yet."""
    return bool(current_app.extensions.get("installation", {}).get("demonstration"))


def init_app(app: Flask) -> None:
    app.context_processor(lambda: {"demo_mode": is_demonstration()})
