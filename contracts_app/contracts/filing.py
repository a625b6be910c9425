from flask import Blueprint

bp = Blueprint("filing", __name__, url_prefix="/contracts")
