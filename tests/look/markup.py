"""Reading HTML in tests: a small tree with the questions these tests ask."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)
    parent: "Element | None" = None

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    def __contains__(self, attribute: str) -> bool:
        return attribute in self.attributes

    def get(self, attribute: str) -> str | None:
        return self.attributes.get(attribute)

    @property
    def text(self) -> str:
        """All words inside, blanks put together."""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def everything(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.everything()

    def all(self, name: str = "", cls: str = "", **attributes: str) -> list["Element"]:
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            element
            for element in self.everything()
            if (not name or element.name == name)
            and (not cls or cls in element.classes)
            and all(element.get(key) == value for key, value in wanted.items())
        ]

    def one(self, name: str = "", cls: str = "", **attributes: str) -> "Element":
        found = self.all(name, cls, **attributes)
        assert len(found) == 1, f"{len(found)} of {name or '*'} {cls} {attributes}"
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("document")
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self.here)
        if len(element.attributes) != len(attrs):
            self.problems.append(f"<{tag}> says an attribute twice: {attrs}")
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {name: value or "" for name, value in attrs}, parent=self.here))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self.here.name != tag:
            self.problems.append(f"</{tag}> inside <{self.here.name}>")
            return
        self.here = self.here.parent or self.root

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def read(html: str) -> Element:
    """The tree of a page or a piece of one; refuses tags that do not match."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.problems == []
    assert reader.here is reader.root, f"<{reader.here.name}> is never closed"
    return reader.root
