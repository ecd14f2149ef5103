"""Pages are served from one folder, and nothing beside it."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

import pytest

from agent.site import Site


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page.html", 200),
        ("/page.html?x=1", 200),
        ("/a%20b.html", 200),
        ("/", 404),
        ("/none.html", 404),
        ("/../secret.html", 404),
        ("/%2e%2e/secret.html", 404),
        ("/link.html", 404),
        ("//secret.html", 404),
    ],
)
def test_only_files_of_the_folder_are_given_out(path: str, status: int, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (tmp_path / "secret.html").write_text("secret")
    (pages / "page.html").write_text("page")
    (pages / "a b.html").write_text("page")
    (pages / "link.html").symlink_to(tmp_path / "secret.html")
    with Site(pages) as site:
        connection = HTTPConnection(site.origin.removeprefix("http://"), timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
    assert answer.status == status
    assert (text == b"page") == (status == 200)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        Site(tmp_path / "none")


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.close()
    site.close()
