"""What the forms of all parts of the filing have in common. A form checks shape; what must be true is in ``checks``."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from werkzeug.datastructures import MultiDict
from wtforms import Form, IntegerField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from contracts_app.accounts.models import User
from contracts_app.contracts.checking.checks import Finding, Level, Section
from contracts_app.contracts.models import Contract


class PartForm(Form):
    """One part of the filing. Built from what was posted or kept as typed, else from the contract."""

    section: ClassVar[Section]
    followed = ""  # what was answered by `follow`, in a sentence
    # A finding about the first field says nothing while one of the others cannot be read.
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    version = IntegerField(validators=[Optional()], widget=HiddenInput())

    def __init__(self, contract: Contract, person: User, typed: MultiDict[str, str] | None = None) -> None:
        self.contract, self.person = contract, person
        super().__init__(typed, data=self.answers_of(contract) | {"version": contract.version})
        self.offer_choices()
        self.follow()

    def asked(self) -> list[str]:
        """The names of the questions of this part."""
        return [name for name in self._fields if name != "version"]

    def answers_of(self, contract: Contract) -> dict[str, Any]:
        """What the contract says already, by the names of the fields."""
        names = [name for name, _ in self._unbound_fields if name != "version"]
        return {name: getattr(contract, name) for name in names}

    def offer_choices(self) -> None:
        """Fill the lists that are read from the database."""

    def follow(self) -> None:
        """Answer what follows from other answers and is not answered yet."""

    def answers(self) -> dict[str, Any]:
        """Values by the contract's field names; what cannot be read is left out as if it were blank."""
        return {name: self[name].data for name in self.asked()}

    def says_nothing_new(self) -> bool:
        """Whether the answers are those the contract has already."""
        return self.answers() == {name: getattr(self.contract, name) for name in self.asked()}

    def show(self, findings: Iterable[Finding]) -> int:
        """Put what stops the saving beside its field; returns how many there were.

        A field that cannot be read has its sentence already; what depends on it waits.
        """
        unread = {name for name in self.asked() if self[name].errors}
        shown = 0
        for finding in findings:
            if finding.level is not Level.ERROR or finding.field in unread:
                continue
            if self[finding.field].data and set(self.leans_on.get(finding.field, ())) & unread:
                continue
            field = self[finding.field]
            field.errors = [*field.errors, finding.sentence]
            shown += 1
        return shown

    @property
    def faults(self) -> int:
        """How many things are to be put right."""
        return sum(_count(self[name].errors) for name in self._fields) + len(self.form_errors)


def _count(errors: Any) -> int:
    if isinstance(errors, Mapping):
        return sum(_count(inner) for inner in errors.values())
    return sum(1 if isinstance(one, str) else _count(one) for one in errors)
