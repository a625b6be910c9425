"""What the register says of a contract to anybody who asks."""

from contracts_app.core.words import Word

from .models import Contract
from .states import State


class Standing(Word):
    """Whether a registration holds. While a case is open it holds as it was."""

    VALID = "valid", "有效"
    CHANGED = "changed", "有效，登记后有变更"
    CANCELLED = "cancelled", "已注销"
    REVOKED = "revoked", "已撤销"


def standing(contract: Contract) -> Standing | None:
    """How a registration stands; None for a contract that was never registered."""
    if contract.registration_number is None:
        return None
    ended = {State.CANCELLED: Standing.CANCELLED, State.REVOKED: Standing.REVOKED}
    return ended.get(contract.state) or (Standing.CHANGED if contract.revision else Standing.VALID)
