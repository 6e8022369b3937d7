"""A requirements file is read as pip reads it, and what it does not pin is told (SEC-7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.scanners.pins import kinds
from orch_gates.scanners.pins.pin import Pin, Pins
from orch_gates.scanners.pins.requirements import is_requirements

ROOT = Path(__file__).parents[2]
FLASK = Pin("flask", "2.0.1")


def parse(data: bytes, path: str = "requirements.txt") -> Pins:
    return kinds.read(data, path)


def unpinned(found: Pins) -> tuple[int, ...]:
    return tuple(entry.line for entry in found.open)


@pytest.mark.parametrize(
    "line",
    [
        "flask==2.0.1",
        "  flask == 2.0.1  ",
        "Flask==2.0.1",
        "flask===2.0.1",
        "flask[async]==2.0.1",
        "flask[async,dotenv] == 2.0.1",
        'flask==2.0.1; python_version < "3.12"',
        'flask==2.0.1 ; sys_platform == "win32" # why',
        "flask==2.0.1  # a comment",
        "flask==2.0.1 --hash=sha256:00",
        "flask==2.0.1 --hash sha256:00",
        "flask==2.0.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11",
        'flask==2.0.1 --config-settings "a=b"',
        "flask==2.0.1\r\n",
        "flask==\\\n2.0.1",
        "\ufeffflask==2.0.1",
    ],
)
def test_a_pin_is_found_however_it_is_written(line: str) -> None:
    """Extras, markers, comments, hashes, options, continued lines and byte order marks hide no pin."""
    found = parse(line.encode())
    assert found.lines == {FLASK: 1}
    assert unpinned(found) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_encoding_that_pip_reads_is_read(encoding: str) -> None:
    """A file that PowerShell wrote is audited like any other."""
    assert parse("flask==2.0.1\r\ntill==3\r\n".encode(encoding)).lines == {FLASK: 1, Pin("till", "3"): 2}


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask>=2",
        "flask>=2,<3",
        "flask~=2.0",
        "flask==2.*",
        "flask==2.0.1,!=2.0.2",
        "flask==${VERSION}",
        "flask==2.0_!x",
        "flask==latest",
        "flask @ https://packages.example.invalid/flask.whl",
        "https://packages.example.invalid/flask.whl",
        "git+https://git.example.invalid/flask@main#egg=flask",
        "./local/flask",
        "-e .",
        "-e./here",
        "-ehere",
        "--editable=./here",
        "--editable ./here",
        "--pre -e ./here",
        "--pre --edit=./here",
        "-r other.txt",
        "--requirement=other.txt",
        "--requirement 'other.txt'",
        "-r ../requirements.txt",
        "-r /requirements.txt",
        "-r https://packages.example.invalid/requirements.txt",
        "-r ${WHERE}/requirements.txt",
        f"flask=={'1' * 5000}",
        f"{'a' * 5000}==1",
    ],
)
def test_what_pins_no_version_is_told(line: str) -> None:
    """A range, a URL, a path, an editable, a file that nobody audits: never passed over."""
    found = parse(f"till==3\n{line}\n".encode())
    assert found.lines == {Pin("till", "3"): 1}
    assert unpinned(found) == (2,)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "# flask==2.0.1",
        "   # flask==2.0.1",
        "-r dev-requirements.txt",
        "--requirement requirements/dev.txt",
        "-r ./requirements/../requirements-dev.txt",
        "-c limits.txt",
        "--index-url https://packages.example.invalid/simple",
        "--extra-index-url https://packages.example.invalid/simple",
        "--require-hashes",
    ],
)
def test_comments_and_options_are_no_packages(line: str) -> None:
    """They are neither audited nor doubted; nor is a file that is included and audited as itself."""
    found = parse(f"till==3\n{line}\n".encode())
    assert found.lines == {Pin("till", "3"): 1}
    assert unpinned(found) == ()


@pytest.mark.parametrize("text", ["-c limits.txt", "# why\n--index-url https://packages.example.invalid/simple"])
def test_a_file_of_nothing_but_options_is_told(text: str) -> None:
    """No dependency in a file that is not empty proves nothing."""
    found = parse(text.encode())
    assert found.lines == {}
    assert found.unread == "could not be read: only options, and no package"


@pytest.mark.parametrize("text", ["", " \n", "# flask==1\n", "-r dev-requirements.txt"])
def test_an_empty_file_is_told_nothing_of(text: str) -> None:
    """Comments are no dependencies; what is included has a line of its own."""
    assert unpinned(parse(text.encode())) == ()


@pytest.mark.parametrize(("path", "told"), [("requirements/all.txt", ()), ("requirements.txt", (1,))])
def test_an_included_file_is_looked_for_beside_its_file(path: str, told: tuple[int, ...]) -> None:
    """As pip does: the same words include another file from another folder."""
    assert unpinned(parse(b"-r base.txt", path)) == told


def test_a_comment_does_not_swallow_the_next_line() -> None:
    """A comment ends with its line even where that ends with a backslash, as pip has it."""
    assert parse(b"# see below \\\nflask==2.0.1\n").lines == {FLASK: 2}
    assert parse(b"till==3 \\\n# why \\\nflask==2.0.1\n").lines == {Pin("till", "3"): 1, FLASK: 3}


@pytest.mark.parametrize("name", ["Foo.Bar_baz", "foo-bar-baz", "FOO__bar.-baz"])
def test_a_package_has_one_name(name: str) -> None:
    """Spellings that pip takes for one package are one."""
    assert parse(f"{name}==1".encode()).lines == {Pin("foo-bar-baz", "1"): 1}


@pytest.mark.parametrize(
    "version", ["1", "1.0RC1", "1.0-1", "1!2.0", "1.0.post2", "1.0.dev3", "1.0a1.post2.dev3+local.7", "v1.0"]
)
def test_every_form_of_a_version_is_a_pin(version: str) -> None:
    """Pre-, post- and development releases, epochs and local versions are versions."""
    assert parse(f"flask=={version}".encode()).lines == {Pin("flask", version): 1}


def test_the_first_line_of_a_repeated_pin_is_named() -> None:
    """A pin has one place; another version of the package is another pin."""
    assert parse(b"flask==2.0.1\nflask==2.0.2\nflask==2.0.1\n").lines == {FLASK: 1, Pin("flask", "2.0.2"): 2}


def test_our_own_pins_are_all_read() -> None:
    """A file of hashes, as pip-compile writes it, is read line by line and leaves no doubt."""
    data = (ROOT / "requirements" / "runtime.txt").read_bytes()
    found = parse(data)
    rows = data.decode().splitlines()
    assert len(found.lines) == sum("==" in row for row in rows) > 10
    assert unpinned(found) == ()
    for pin, line in found.lines.items():
        assert rows[line - 1].lower().startswith(f"{pin.name}=={pin.version}")


@pytest.mark.parametrize(
    ("path", "audited"),
    [
        ("requirements.txt", True),
        ("a/b/requirements.txt", True),
        ("Requirements.TXT", True),
        ("requirements-dev.txt", True),
        ("dev-requirements.txt", True),
        ("requirements_test.in", True),
        ("requirements.in", True),
        ("requirements.pip", True),
        ("requirements.lock", True),
        ("requirements-dev.lock", True),
        ("requirements/prod.txt", True),
        ("requirements/prod/base.txt", True),
        ("requirements/base.in", True),
        ("a/requirements/prod.txt", True),
        ("my-requirements/prod.txt", True),
        ("constraints.txt", True),
        ("upper-constraints.txt", True),
        ("constraints/3.12.txt", True),
        ("reqs.txt", True),
        ("dev-reqs.txt", True),
        ("reqs/dev.txt", True),
        ("test_req.txt", True),
        ("requires.txt", True),
        ("pip-packages.txt", True),
        ("requirements.txt.bak", False),
        ("requirements/README.md", False),
        ("requirements.md", False),
        ("prerequisites.txt", False),
        ("frequency.txt", False),
        ("myrequirementsfolder/prod.txt", False),
        ("deps/CMakeLists.txt", False),
        ("notes.txt", False),
        ("pylock.toml", False),
    ],
)
def test_which_files_are_requirements(path: str, audited: bool) -> None:
    """Requirements and constraints by their usual names, in any folder."""
    assert is_requirements(path) is audited


@given(st.binary(max_size=300) | st.text("a=1.\\\n\r #-;[]e@ \ufeff", max_size=120).map(str.encode))
def test_any_bytes_are_read(data: bytes) -> None:
    """Nothing raises, and no line is both a pin and a doubt."""
    found = parse(data)
    assert not set(found.lines.values()) & set(unpinned(found))


PINS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,2}){0,2}(rc[0-9])?", fullmatch=True),
    max_size=6,
)


@given(PINS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", " # why", " --hash=sha256:00", ' ; extra == "x"']))
def test_what_is_written_is_read_back(pins: dict[str, str], end: str, tail: str) -> None:
    """Every pin that a file has is found on its own line."""
    text = "".join(f"{name}=={version}{tail}{end}" for name, version in pins.items())
    assert parse(text.encode()).lines == {Pin(*pin): line for line, pin in enumerate(pins.items(), 1)}


def test_a_long_line_is_read_in_time() -> None:
    """A line made to be slow to read is not."""
    assert unpinned(parse(b"a" + b" " * 200_000 + b"x")) == (1,)
