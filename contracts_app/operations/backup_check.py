"""Whether backups are what was put away: every object opened and held against its hash, nothing restored."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.core.clock import now_utc

from .backup import Backup, Manifest
from .vault import Damaged, Key, Part, Vault


@dataclass(frozen=True)
class Finding:
    """What a check of one backup looked at, and what is wrong with it, as sentences."""

    backup: str
    objects: int
    size: int  # bytes, plain
    faults: list[str]


class Check:
    """A check of one backup or of several: what they share is read once.

    A damaged object can be set aside: the next backup then writes it anew, and the older ones are whole again with it.
    """

    def __init__(self, vault: Vault, *, sets_aside: bool = False) -> None:
        self.vault = vault
        self.sets_aside = sets_aside
        self._known: dict[str, str | None] = {}  # what is wrong with each object that was read

    def of(self, backup: Backup) -> Finding:
        """Read all of it; the vault notes when, and how many faults there were."""
        with self.vault.reading():
            finding = self._finding(backup)
            self.vault.note(backup.name, {"at": now_utc().isoformat(), "faults": len(finding.faults)})
        return finding

    def _finding(self, backup: Backup) -> Finding:
        try:
            manifest, key = backup.manifest, backup.key
        except Damaged as damage:
            return Finding(backup.name, 0, 0, [f"清单 {damage}"])
        faults, objects, size = [], 0, 0
        for part in (*manifest.parts, manifest.files):
            objects, size = objects + len(part.blocks), size + part.size
            for number, digest in enumerate(part.blocks, 1):
                if fault := self._fault(self.vault.block, digest, key):
                    faults.append(f"{called(part, manifest)}第 {number} 块（共 {len(part.blocks)} 块）：{fault}")
        try:
            for sha256, length in backup.contents():
                objects, size = objects + 1, size + length
                if fault := self._fault(self._file, sha256, key):
                    faults.append(f"附件 {sha256}：{fault}")
        except Damaged:
            faults.append("附件没有核对：它们的清单读不出来")
        faults += [f"附件 {sha256}：建立备份时就缺失或损坏" for sha256 in manifest.missing]
        return Finding(backup.name, objects, size, faults)

    def _fault(self, read: Callable[[str, Key], object], digest: str, key: Key) -> str | None:
        name = key.name(bytes.fromhex(digest))
        if name not in self._known:
            try:
                read(digest, key)
                self._known[name] = None
            except Damaged as damage:
                self._known[name] = str(damage)
                if self.sets_aside:
                    self.vault.set_aside(name)
        return self._known[name]

    def _file(self, digest: str, key: Key) -> None:
        for _ in self.vault.file(digest, key):
            pass


def called(part: Part, manifest: Manifest) -> str:
    """A part as people call it."""
    if part is manifest.files:
        return "附件清单"
    return "数据库" if manifest.database == "sqlite" else f"表 {part.name} "
