"""Which command is suggested for a project, and where that was seen (UX-1)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orch_gates.adopt.projects import languages, nested, suggestions


def first(files: Mapping[str, str]) -> tuple[str, str] | None:
    found = suggestions(tuple(files), lambda name: files[name])
    return (found[0].command, found[0].seen) if found else None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"Makefile": "all:\n\ttrue\ntest: all\n\ttrue\n"}, ("make test", "Makefile:3")),
        ({"Makefile": "test := 1\ntests:\n\ttrue\n"}, None),
        ({"package.json": '{"scripts": {"test": "vitest"}}'}, ("npm test", "package.json, scripts.test")),
        ({"package.json": '{"scripts": {"test": "x"}}', "yarn.lock": ""}, ("yarn test", "package.json, scripts.test")),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, None),
        ({"package.json": "[broken"}, None),
        ({"package.json": "[]"}, None),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, ("python3 -m pytest", "pyproject.toml, tool.pytest")),
        ({"pyproject.toml": "[project]\n", "test_a.py": ""}, ("python3 -m unittest", "pyproject.toml, test_a.py")),
        ({"pyproject.toml": "[project]\n"}, None),
        ({"pyproject.toml": "[broken"}, None),
        ({"tox.ini": "[pytest]\n"}, ("python3 -m pytest", "tox.ini")),
        ({"go.mod": "module a\n"}, ("go test ./...", "go.mod")),
        ({"Cargo.toml": ""}, ("cargo test", "Cargo.toml")),
        ({"go.mod": "", "Makefile": "test:\n"}, ("make test", "Makefile:1")),
        ({"web/package.json": '{"scripts": {"test": "x"}}'}, None),
        ({}, None),
    ],
)
def test_the_first_suggestion(files: Mapping[str, str], expected: tuple[str, str] | None) -> None:
    """What a project names itself counts more than what its tools usually are; a guess is none."""
    assert first(files) == expected


def test_a_monorepo_is_told_by_the_folders_of_its_projects() -> None:
    assert nested(("api/go.mod", "web/package.json", "web/src/a.js", "go.mod")) == ("api", "web")


def test_languages_by_the_number_of_files() -> None:
    assert languages(("a.py", "b.PY", "c.go", "README.md", "d")) == ("Python", "Go")
