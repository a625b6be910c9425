"""What only some types are asked, as it is kept: the lines of rights, and what goes when it is not asked any more."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from contracts_app.codes.models import IpKind
from contracts_app.contracts.models import Contract, ContractRight, DraftInput
from contracts_app.contracts.questions import ALL_FIELDS, fields_asked, is_blank, not_asked
from contracts_app.core.db import db
from contracts_app.rules.models import Section


def rights_of(lines: Sequence[Mapping[str, Any]]) -> list[ContractRight]:
    """The lines as records that are not written yet: answers by the names of the fields, in their order."""
    return [
        ContractRight(position=place, ip=db.session.get(IpKind, line["ip_code"]) if line["ip_code"] else None, **line)
        for place, line in enumerate(lines, 1)
    ]


def keep_rights(contract: Contract, lines: list[ContractRight]) -> None:
    """Write the lines into the rows there are: a row added at a place still taken would break the unique place."""
    for kept, line in zip(contract.rights, lines, strict=False):
        for name, value in line.answers().items():
            setattr(kept, name, value)
    del contract.rights[len(lines) :]
    contract.rights.extend(lines[len(contract.rights) :])


def answered(contract: Contract) -> list[str]:
    """Which questions of `questions` have an answer, or something typed that is not valid yet."""
    typed = {_question(name) for one in _typed(contract) for name, value in parse_qsl(one.fields) if value.strip()}
    return [name for name in ALL_FIELDS if name in typed or not is_blank(getattr(contract, name))]


def drop_what_is_not_asked(contract: Contract) -> None:
    """So that nothing of an earlier type, or of a seller abroad, goes on to the office unseen."""
    for name in not_asked(contract):
        if name == "rights":
            contract.rights.clear()
        else:
            setattr(contract, name, None if Contract.__table__.c[name].nullable else "")
    asked = fields_asked(contract)
    for one in _typed(contract):
        posted = parse_qsl(one.fields, keep_blank_values=True)
        kept = [(name, value) for name, value in posted if _question(name.removesuffix("_unit")) in asked]
        if kept:
            one.fields = urlencode(kept)
        else:
            contract.inputs.remove(one)


def _typed(contract: Contract) -> list[DraftInput]:
    return [one for one in contract.inputs if one.section == Section.DETAILS.value]


def _question(name: str) -> str:
    """rights for rights-0-number."""
    return name.partition("-")[0]
