"""The tests that rule files may name. They are declared where what they look at lives, and listed here by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature

Said = Mapping[str, str] | bool | None
Test = Callable[..., Said]


@dataclass(frozen=True)
class Predicate:
    """A named test. ``parameters``: name -> whether a rule must give it; ``fills``: the placeholders it knows.

    ``is_heuristic``: it guesses from words or likeness, so a rule that names it never stops anybody.
    """

    name: str
    test: Test
    parameters: Mapping[str, bool]
    fills: frozenset[str]
    is_heuristic: bool

    @property
    def explains(self) -> str:
        """What it looks for, in one line."""
        return (self.test.__doc__ or "").strip().split("\n")[0]


PREDICATES: dict[str, Predicate] = {}


def predicate(*fills: str, heuristic: bool = False) -> Callable[[Test], Test]:
    """Declare ``test(record, context, **parameters)`` under its own name.

    It answers None (nothing to say), True, or the values of the placeholders of the rule's sentence.
    """

    def declare(test: Test) -> Test:
        name = getattr(test, "__name__", "")
        if name in PREDICATES:
            raise ValueError(f"two predicates are named {name}")
        given = list(signature(test).parameters.values())[2:]
        parameters = {one.name: one.default is Parameter.empty for one in given}
        PREDICATES[name] = Predicate(name, test, parameters, frozenset(fills), heuristic)
        return test

    return declare
