"""What is typed into a part of the filing and is not valid yet: kept as it was posted, by one page at a time.

A page that shows a part carries along what it was shown (`Seen`). Another page's keeping that it does not know is never
replaced: the person is asked, field by field (``core.conflicts``).
"""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from werkzeug.datastructures import MultiDict

from contracts_app.contracts.models import Contract, DraftInput, new_mark
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.errors import Stale
from contracts_app.rules.models import Section

SAVED_ELSEWHERE = "这份合同刚在别的窗口保存过。你填的内容都还在下面，和最新内容对照后再保存一次。"
ANSWERED_ELSEWHERE = "逐项答复刚在别的窗口保存过。你写的都还在下面，和最新的对照后再保存一次。"
NOT_AUTOSAVED = "别的窗口保存过这一部分，这里没有自动保存。点保存草稿的按钮，逐项对照后再存。"


@dataclass(frozen=True)
class Seen:
    """What a page was shown: the contract's version, a digest of each answer, and which keeping of what was typed.

    ``window`` is the page's own name: what it kept itself it may keep anew.
    """

    version: int | None = None
    base: str = ""
    kept: str = ""
    window: str = ""

    @classmethod
    def of(cls, posted: MultiDict[str, str]) -> "Seen":
        """As the page has posted it."""
        told = {name: posted.get(name, "") for name in ("base", "kept", "window")}
        return cls(posted.get("version", type=int), told["base"], told["kept"][:16], told["window"][:16])

    def knows(self, there: DraftInput) -> bool:
        """Whether the page was shown this, or kept it itself."""
        return there.stamp == self.kept or (bool(self.window) and there.window == self.window)


def hold(contract_id: int) -> None:
    """Whoever else is about to write this contract waits until we are done; on SQLite every writer waits anyway."""
    db.session.execute(select(Contract.id).where(Contract.id == contract_id).with_for_update())


def typed_into(contract: Contract, section: Section) -> DraftInput | None:
    """What waits in that part."""
    return next((one for one in contract.inputs if one.section == section.value), None)


def refuse_unknown(contract: Contract, section: Section, seen: Seen) -> None:
    """Raises ``Stale`` when another page has kept something in this part since."""
    there = typed_into(contract, section)
    if there and not seen.knows(there):
        raise Stale(SAVED_ELSEWHERE)


def refuse_stale(contract: Contract, section: Section, seen: Seen, stands: str) -> None:
    """Raises ``Stale`` when another page has kept or saved something in this part since.

    ``stands`` is the digest of the contract's own answers now. Other parts may have been saved meanwhile.
    """
    refuse_unknown(contract, section, seen)
    if typed_into(contract, section):
        return
    if seen.base != stands if seen.base and not seen.kept else seen.version != contract.version:
        raise Stale(SAVED_ELSEWHERE)


def keep(contract: Contract, section: Section, fields: str, faults: int, window: str) -> str:
    """Keep what was typed (``fields`` is the urlencoded form) in place of what waits there; returns its stamp."""
    insert = sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert
    row = {"fields": fields, "faults": faults, "saved_at": now_utc(), "stamp": new_mark(), "window": window}
    db.session.execute(
        insert(DraftInput)
        .values(contract_id=contract.id, section=section.value, **row)
        .on_conflict_do_update(index_elements=["contract_id", "section"], set_=row)
    )
    db.session.expire(contract, ["inputs"])
    return str(row["stamp"])


def forget(contract: Contract, section: Section) -> None:
    """What was typed is valid now and stands on the contract."""
    db.session.execute(
        delete(DraftInput).where(DraftInput.contract_id == contract.id, DraftInput.section == section.value)
    )
    db.session.expire(contract, ["inputs"])
