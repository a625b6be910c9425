"""The name of a file that goes out, for what knows letters and digits only.

Names of files are Chinese and go as ``filename*=UTF-8''…``. Beside it stands one in ASCII, made of what the file is and
of its number or day: contracts-2025350582000001.pdf, where the Chinese name without its Chinese would be -.pdf.
"""

import re
from pathlib import PurePath
from urllib.parse import unquote

from flask import Flask, Response, request
from werkzeug.http import dump_options_header

from contracts_app.core.clock import today

_IN_UTF_8 = "filename*=UTF-8''"
_NUMBERS = re.compile(r"[A-Za-z]*[0-9][A-Za-z0-9]*", re.ASCII)  # 2025350582000001, H1, 20261122
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_LONGEST = 80
# What an address hands out, where its noun is another.
_WHAT = {"exports": "contracts", "publications": "sentence"}


def init_app(app: Flask) -> None:
    app.after_request(_name_in_ascii)


def _name_in_ascii(response: Response) -> Response:
    told = response.headers.get("Content-Disposition", "")
    before, is_named, name = told.rpartition(_IN_UTF_8)
    if is_named:
        way = before.partition(";")[0]  # attachment or inline
        plain = dump_options_header(way, {"filename": _plain(unquote(name))})
        response.headers["Content-Disposition"] = f"{plain}; {_IN_UTF_8}{name}"
    return response


def _plain(name: str) -> str:
    """What the file is, by its address; then the numbers in its name, else those in its address, else the day."""
    file, values = PurePath(name), request.view_args or {}
    what = values.get("code") or _WHAT.get(request.blueprint or "", request.blueprint) or "file"
    numbers = _NUMBERS.findall(file.stem) or [str(value) for value in values.values() if isinstance(value, int)]
    plain = "-".join([str(what).replace("_", "-"), *(numbers or [today().isoformat()])])[:_LONGEST]
    return plain + (file.suffix if _ENDING.fullmatch(file.suffix) else "")
