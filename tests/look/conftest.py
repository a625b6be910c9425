import pytest
from flask.testing import FlaskClient

from tests.look.site import make_site


@pytest.fixture(scope="session")
def site():
    return make_site(TESTING=True)


@pytest.fixture
def visit(site):
    """``visit("/every")`` is the page's HTML; refuses a page that did not come."""
    client: FlaskClient = site.test_client()

    def page(path: str, status: int = 200) -> str:
        response = client.get(path)
        assert response.status_code == status, response.text
        return response.text

    return page


@pytest.fixture
def render(site):
    """``render('{{ ... }}', name=value)`` draws a piece of template that may call any component."""

    def drawn(source: str, **values) -> str:
        with site.test_request_context("/every?page=3&size=50"):
            return site.jinja_env.from_string(source).render(**values)

    return drawn
