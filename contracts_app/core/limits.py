"""How often an address may ask for what anybody can ask for."""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, strategy="moving-window", headers_enabled=False)


def init_app(app: Flask, storage: str = "memory://") -> None:
    """``storage`` is ``memory://`` for one process, ``redis://…`` when several share the count."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage)
    limiter.init_app(app)
