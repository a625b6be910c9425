"""What every answer carries besides its content policy, and under which names this installation is known.

Content policy, framing, referrer and HSTS are set by Talisman in ``create_app``.
"""

import socket
from contextlib import suppress

from flask import Flask, Response, request

from contracts_app.core.settings import Settings

# Nothing of the browser's hardware is asked for, on any page.
_HARDWARE = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
    *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
)
PERMISSIONS = dict.fromkeys(_HARDWARE, "()")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")  # health checks; a link to them leads to nobody else's machine
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # addresses to listen on that are no name


def init_app(app: Flask, settings: Settings) -> None:
    app.config["TRUSTED_HOSTS"] = [*LOOPBACK, *(settings.trusted_hosts or names_of_this_machine(settings.host))]
    app.after_request(_protect)


def names_of_this_machine(host: str) -> tuple[str, ...]:
    """Under which names it is reached where nobody has said any: a forged one must not get into a link we send."""
    names = {*LOOPBACK, socket.gethostname().lower()}
    if host not in _EVERYWHERE:
        return tuple(sorted(names | {f"[{host}]" if ":" in host else host.lower()}))
    with suppress(OSError):
        name, others, addresses = socket.gethostbyname_ex(socket.gethostname())
        names |= {name.lower(), *(other.lower() for other in others), *addresses}
    return tuple(sorted(names))


def _protect(response: Response) -> Response:
    headers = response.headers
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if not _may_be_kept(response):
        headers["Cache-Control"] = "private, no-store"
    return response


def _may_be_kept(response: Response) -> bool:
    """Style sheets, scripts and icons; of what is somebody's only what the browser asks us about each time it is shown:
    files and pictures of their pages, which carry an entity tag."""
    if (request.endpoint or "").rpartition(".")[2] == "static":
        return response.status_code < 400
    tag, _ = response.get_etag()
    control = response.cache_control
    return bool(tag and control.private and control.max_age == 0)
