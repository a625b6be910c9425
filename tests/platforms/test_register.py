import pytest

from contracts_app.accounts.roles import Role
from contracts_app.platforms.models import Platform, PlatformKind


@pytest.fixture
def reader(sign_in, make):
    return sign_in(make.user(Role.MANAGER))


def names(page):
    return page.split("<tbody>")[-1]


def test_every_platform_of_the_documents_is_listed_with_its_source(reader, session):
    page = reader.get("/platforms/?size=100").text
    for platform in session.query(Platform):
        assert platform.name in page
    assert "《晋江多维赋能 推动科技创新与产业创新深度融合》" in page


def test_platforms_are_found_by_words_kind_and_region(reader, session):
    found = names(reader.get("/platforms/?q=港理大").text)
    assert "香港理工大学（晋江）技术创新研究院" in found
    kinds = names(reader.get("/platforms/?kind=incubator&size=100").text)
    for platform in session.query(Platform):
        assert (f">{platform.name}</a>" in kinds) == (platform.kind is PlatformKind.INCUBATOR)
    assert "没有符合条件的平台" in reader.get("/platforms/?q=%25").text
    assert "没有符合条件的平台" in reader.get("/platforms/?region=110000").text
    assert reader.get("/platforms/?kind=x&level=x&sort=x&page=x").status_code == 200


@pytest.mark.parametrize("sort", ["name", "-name", "kind", "region", "-opened", "opened"])
def test_platforms_are_sorted(reader, sort):
    assert reader.get(f"/platforms/?sort={sort}").status_code == 200


def test_a_platform_shows_the_document_it_was_taken_from(reader, session):
    platform = session.query(Platform).filter_by(code="polyu-jinjiang").one()
    page = reader.get(f"/platforms/{platform.id}").text
    assert "晋江经济报" in page
    assert "2025-01-13" in page
    assert reader.get("/platforms/999999").status_code == 404


def test_the_list_asks_the_same_number_of_questions_for_many(reader, count_queries):
    with count_queries() as few:
        reader.get("/platforms/?q=港理大")
    with count_queries() as many:
        reader.get("/platforms/?size=100")
    assert len(many) == len(few)
