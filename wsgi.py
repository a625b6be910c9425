"""What a WSGI server and the command line load: ``flask --app wsgi …``."""

from contracts_app import create_app

app = create_app()
