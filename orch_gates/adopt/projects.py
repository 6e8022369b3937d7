"""Which languages a repository is written in, and which command probably tests it (pure)."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_LANGUAGES = {
    ".py": "Python",
    ".js": "JavaScript",
    ".mjs": "JavaScript",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".go": "Go",
    ".rs": "Rust",
    ".java": "Java",
    ".kt": "Kotlin",
    ".c": "C",
    ".cc": "C++",
    ".cpp": "C++",
    ".cs": "C#",
    ".rb": "Ruby",
    ".php": "PHP",
    ".sh": "Shell",
    ".swift": "Swift",
}
_MOST_LANGUAGES = 4
# In this order: what a project names itself counts more than what its tools usually are.
MANIFESTS = (
    *("Makefile", "package.json", "pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "go.mod", "Cargo.toml"),
    *("gradlew", "pom.xml", "Gemfile", "composer.json"),
)
_TARGET = re.compile(r"^test[ \t]*:(?!=)", re.M)
# What `npm init` writes where there are no tests.
_NO_TESTS = "no test specified"

Read = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A command that probably runs the tests, and where that was seen."""

    command: str
    seen: str


def languages(names: Sequence[str]) -> tuple[str, ...]:
    """The languages of the files with these names, most files first."""
    found = Counter(
        language for name in names if (language := _LANGUAGES.get(PurePosixPath(name).suffix.lower())) is not None
    )
    return tuple(name for name, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_MOST_LANGUAGES])


def suggestions(names: Sequence[str], read: Read) -> tuple[Suggestion, ...]:
    """Commands for the project in the top folder, the best first; `read` gives a file's text, empty if it has none."""
    there = set(names)
    return tuple(
        Suggestion(command, seen)
        for manifest in MANIFESTS
        if manifest in there
        for command, seen in _RULES[manifest](manifest, read(manifest), names)
    )


def nested(names: Sequence[str]) -> tuple[str, ...]:
    """The folders below the top that hold a project of their own."""
    found = {
        str(path.parent) for name in names if len((path := PurePosixPath(name)).parts) > 1 and path.name in MANIFESTS
    }
    return tuple(sorted(found))


def _make(name: str, text: str, _: Sequence[str]) -> Iterator[tuple[str, str]]:
    if found := _TARGET.search(text):
        yield "make test", f"{name}:{text.count(chr(10), 0, found.start()) + 1}"


def _npm(name: str, text: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads(text)
        script = found["scripts"]["test"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if not isinstance(script, str) or not script.strip() or _NO_TESTS in script:
        return
    there = set(names)
    runner = "pnpm" if "pnpm-lock.yaml" in there else "yarn" if "yarn.lock" in there else "npm"
    yield f"{runner} test", f"{name}, scripts.test"


def _pyproject(name: str, text: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    try:
        tools = tomllib.loads(text).get("tool")
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    if isinstance(tools, dict) and "pytest" in tools:
        yield "python3 -m pytest", f"{name}, tool.pytest"
    elif _python_tests(names):
        yield ("python3 -m pytest" if "pytest" in text else "python3 -m unittest"), f"{name}, {_python_tests(names)}"


def _pytest(name: str, text: str, _: Sequence[str]) -> Iterator[tuple[str, str]]:
    if name == "pytest.ini" or "[pytest]" in text or "[tool:pytest]" in text:
        yield "python3 -m pytest", name


def _python_tests(names: Sequence[str]) -> str:
    """The first file with tests that Python's own runner would find."""
    return next((name for name in names if re.fullmatch(r"(?:.*/)?test_[^/]*\.py", name)), "")


def _always(command: str) -> Callable[[str, str, Sequence[str]], Iterator[tuple[str, str]]]:
    def rule(name: str, _: str, __: Sequence[str]) -> Iterator[tuple[str, str]]:
        yield command, name

    return rule


_RULES: Mapping[str, Callable[[str, str, Sequence[str]], Iterator[tuple[str, str]]]] = {
    "Makefile": _make,
    "package.json": _npm,
    "pyproject.toml": _pyproject,
    "pytest.ini": _pytest,
    "tox.ini": _pytest,
    "setup.cfg": _pytest,
    "go.mod": _always("go test ./..."),
    "Cargo.toml": _always("cargo test"),
    "gradlew": _always("./gradlew test"),
    "pom.xml": _always("mvn test"),
    "Gemfile": _always("bundle exec rake test"),
    "composer.json": _always("composer test"),
}
