"""Uploaded files looked through by a virus scanner, where the installation has one: ClamAV's clamd.

Spoken to by its own INSTREAM command (clamd(8)), over a socket file or the network, so that nothing has to be installed
beside it. A file that cannot be scanned is not taken: who has a scanner relies on it.
"""

import socket
import struct
from contextlib import closing
from typing import BinaryIO

from flask import current_app

from contracts_app.core.settings import Settings

from .files import FileRefused

_CHUNK = 256 * 1024
_PATIENCE = 30  # seconds for each exchange; archives of 20 MB are unpacked in a few
_CLEAN, _FOUND, _TOO_LONG = b"OK", b"FOUND", b"size limit exceeded"


def refuse_infected(stream: BinaryIO) -> None:
    """Raises ``FileRefused`` for a file in which the scanner finds something, or that it cannot scan.

    Without the setting ``CLAMD`` nothing is asked. Leaves the stream at its beginning.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.clamd:
        return
    stream.seek(0)
    try:
        reply = _said_of(stream, settings.clamd)
    except (OSError, ValueError) as away:
        current_app.logger.error("the virus scanner does not answer: %s", away)
        raise FileRefused("病毒扫描暂时不能用，文件没有收下。过一会儿再传；一直这样的，告诉系统管理员。") from away
    finally:
        stream.seek(0)
    if reply.endswith(_FOUND):
        current_app.logger.warning("the virus scanner refuses a file: %s", reply.decode(errors="replace"))
        raise FileRefused("病毒扫描发现这个文件有问题，没有收下。在自己的电脑上查杀后，从原件重新导出一份再传。")
    if not reply.endswith(_CLEAN):
        current_app.logger.error("the virus scanner cannot scan a file: %s", reply.decode(errors="replace"))
        is_too_long = _TOO_LONG in reply
        raise FileRefused(
            "文件超过病毒扫描能检查的大小，没有收下，压缩或拆成几个后再传。"
            if is_too_long
            else "病毒扫描没有完成，文件没有收下，过一会儿再传。"
        )


def scanner_answers(clamd: str) -> bool:
    """Whether the scanner at this address answers."""
    try:
        with closing(_connected(clamd)) as line:
            line.sendall(b"zPING\0")
            return _reply(line) == b"PONG"
    except (OSError, ValueError):
        return False


def _said_of(stream: BinaryIO, clamd: str) -> bytes:
    with closing(_connected(clamd)) as line:
        try:
            line.sendall(b"zINSTREAM\0")
            while chunk := stream.read(_CHUNK):
                line.sendall(struct.pack("!L", len(chunk)) + chunk)
            line.sendall(struct.pack("!L", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # over its limit of size it says so and hangs up
        return _reply(line)


def _connected(clamd: str) -> socket.socket:
    """A connection to ``/path/of/socket`` or ``host:port``; ``OSError`` or ``ValueError`` where there is none."""
    if clamd.startswith("/"):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_PATIENCE)
        try:
            line.connect(clamd)
        except OSError:
            line.close()
            raise
        return line
    host, _, port = clamd.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE)


def _reply(line: socket.socket) -> bytes:
    said = b""
    while chunk := line.recv(4096):
        said += chunk
        if b"\0" in said:
            break
    if not said:
        raise ConnectionError("it hung up without a word")
    return said.split(b"\0")[0].strip()
