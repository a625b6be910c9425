"""Install one requirements file into the environment this Python belongs to, showing how far it has come.

pip alone is either silent for twenty seconds or prints a hundred lines; this counts packages instead and keeps the
whole log for the day it fails.
"""

import re
import subprocess
import sys
from pathlib import Path

# How pip begins its line about a package: from the index, already here, or from a local file.
PACKAGE = r"(?:Collecting |Requirement already satisfied: |Processing (?:\S*/)?)([A-Za-z0-9_.-]+)"
LOG = Path(sys.prefix) / "install.log"


def install(requirements: Path) -> int:
    """Run pip on a pinned file. Returns pip's exit status; on failure says why and where the log is."""
    wanted = len(pins(requirements))
    terminal = sys.stderr.isatty()
    say(f"安装 {wanted} 个软件包（{requirements.name}）…", stay=False)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "-r",
        str(requirements),
    ]
    seen = 0
    with LOG.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        for line in pip.stdout or ():
            log.write(line)
            if name := re.match(PACKAGE, line):
                seen += 1
                if terminal or seen % 10 == 0:
                    say(f"  {min(seen, wanted)}/{wanted}  {re.split(r'-[0-9]', name[1])[0]}", stay=terminal)
            elif line.startswith("Installing collected packages"):
                say("  写入 .venv …", stay=terminal)
        status = pip.wait()
    if status:
        explain()
    else:
        say("  软件包已就绪", stay=False, over=terminal)
    return status


def pins(requirements: Path) -> list[str]:
    """The pinned lines of a file and of the files it includes."""
    lines: list[str] = []
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            lines += pins(requirements.parent / line[3:].strip())
        elif re.match(r"\w", line):
            lines.append(line)
    return lines


def explain() -> None:
    tail = LOG.read_text(encoding="utf-8").splitlines()
    errors = [line for line in tail if line.startswith("ERROR")] or tail[-5:]
    sys.stderr.write("\n\n  " + "\n  ".join(errors[-5:]) + "\n\n")
    sys.stderr.write(f"  软件包没有装上，完整记录在 {LOG}\n")
    sys.stderr.write("  检查网络后再运行一次；使用镜像站：make run PIP_INDEX_URL=https://镜像站/simple\n")
    sys.stderr.write(
        "  The packages could not be installed. Check the network and run again; PIP_INDEX_URL names a mirror.\n\n"
    )


def say(words: str, *, stay: bool, over: bool = False) -> None:
    """One line of progress; on a terminal the counting lines overwrite each other."""
    start = "\r\033[K" if stay or over else ""
    sys.stderr.write(start + words + ("" if stay else "\n"))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.exit(install(Path(sys.argv[1]).resolve()))
