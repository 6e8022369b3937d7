"""What the documents say about settings, options, files and links is what there is."""

import ast
import itertools
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orch_gates import settings
from orch_gates.cli.main import cli
from orch_gates.config.table import BY_VARIABLE, SETTINGS
from orch_gates.gates.policy import policy_table
from orch_gates.gates.registry import GATES
from orch_gates.model.verdict import Outcome
from orch_gates.report import security
from orch_gates.variables.setting import Value

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLE = ROOT / ".env.example"
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|CI|HOME")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LISTING = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]


def variables_read() -> set[str]:
    """Every setting of the table, and every string in settings.py that is the name of a variable."""
    tree = ast.parse(Path(settings.__file__).read_text("utf-8"))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if NAME.fullmatch(text)} | set(BY_VARIABLE)


def spelled(value: Value) -> str:
    """A default as a person writes it into the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_the_table_of_settings_holds_what_is_read() -> None:
    assert set(BY_VARIABLE) == ours(variables_read())
    assert len(SETTINGS) == len(BY_VARIABLE)


def test_the_example_gives_the_defaults_of_the_table() -> None:
    assert example() == {setting.variable: spelled(setting.default) for setting in SETTINGS}


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("ORCH_")}


def table(document: str) -> dict[str, str]:
    """The first two columns of every row whose first column is one name in code."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) \|", (DOCS / document).read_text("utf-8"), re.M)
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows)


def example() -> dict[str, str]:
    rows = re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text("utf-8"), re.M)
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows)


def test_every_setting_is_in_the_reference() -> None:
    assert set(table("reference/settings.md")) == variables_read()


def test_every_setting_of_ours_is_in_the_example() -> None:
    assert set(example()) == ours(variables_read())


def test_the_example_and_the_reference_give_the_same_defaults() -> None:
    told = {name: value for name, value in table("reference/settings.md").items() if name in example()}
    assert {name: value.strip("`").replace("(empty)", "") for name, value in told.items()} == example()


def test_the_defaults_are_the_defaults() -> None:
    """Loading the example as it is changes nothing."""
    assert settings.load(example()).security == settings.load({}).security
    assert settings.load(example()).tools == settings.load({}).tools
    assert settings.load(example()).allow_key == ""


def test_every_setting_in_the_example_has_a_comment() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            above = next((text for text in reversed(lines[:number]) if not re.match(r"[A-Z_]+=", text)), "")
            assert above.startswith("# "), line


def markdown_files() -> list[Path]:
    listed = subprocess.run(LISTING, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in sorted(listed.split("\0")) if name and (path := ROOT / name).is_file()]


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.S | re.M)
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        found = path.parent / target if target else path
        if not found.exists() or (anchor and anchor not in anchors(found.read_text("utf-8"))):
            yield link


def of_the_state_branch(path: Path) -> bool:
    """Whether a page links to what is beside it on the state branch."""
    return path.name == "branch_readme.md" or path.is_relative_to(ROOT / "state")


def test_relative_links_lead_somewhere() -> None:
    # Pages of the package are links to documents, which are looked at themselves.
    pages = [path for path in markdown_files() if not (of_the_state_branch(path) or path.is_symlink())]
    assert {str(path.relative_to(ROOT)): links for path in pages if (links := list(broken_links(path)))} == {}


def commands(command: click.Command = cli, path: str = "orch-gates") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}")


COMMANDS = dict(commands())
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


def told_options(heading: str) -> set[str]:
    """The options in the tables of one section of the reference."""
    sections = re.split(r"^#+ ", (DOCS / "reference" / "cli.md").read_text("utf-8"), flags=re.M)
    section = next((part for part in sections if part.startswith(f"{heading}\n")), "")
    assert section, f"no section {heading}"
    return set(re.findall(r"(?<!\w)(--?[a-z][a-z-]*)", " ".join(re.findall(r"^\| (.*?) \|", section, re.M))))


FORGE_OPTIONS = {"--forge", "--url", "--token-env", "--timings"}
ASKS_A_FORGE = re.compile(
    r"orch-gates (init|advance|deploy|env settle|job (run|retry|dispatch)|merge|queue (?!list)\S+|event|sweep"
    r"|tracker sync|effects run|lease (release|reclaim|break-glass)|forge check|doctor|gate (?!merge-proof)\S+)"
)


def options_of(command: click.Command) -> set[str]:
    return {name for param in command.params if isinstance(param, click.Option) for name in param.opts}


def test_the_options_about_the_forge_are_where_a_forge_is_asked() -> None:
    """A command that asks none does not take them, so that nobody believes that they count there."""
    assert told_options("Options about the forge") == FORGE_OPTIONS
    for path, command in LEAVES.items():
        wanted = FORGE_OPTIONS if ASKS_A_FORGE.fullmatch(path) else set()
        assert options_of(command) & FORGE_OPTIONS == wanted, path


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_in_the_reference(path: str) -> None:
    own = options_of(COMMANDS[path]) - FORGE_OPTIONS
    assert told_options(f"`{path}`") - {"-h", "--help", "---"} == own


@pytest.mark.parametrize("path", COMMANDS)
def test_help_works(path: str) -> None:
    done = CliRunner().invoke(cli, [*path.split()[1:], "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_the_policy_table_is_the_one_in_the_code() -> None:
    text = (DOCS / "reference" / "verdicts.md").read_text("utf-8").replace("`", "")
    for policy in policy_table(GATES):
        row = re.search(rf"^\| {re.escape(policy.subject)} \| (.*) \|$", text, re.M)
        assert row is not None
        assert row[1].startswith(policy.meaning.split(" (")[0])


def test_the_exit_codes_are_those_of_the_code() -> None:
    text = (DOCS / "reference" / "verdicts.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([A-Z]+)` \| .* \| (\d+) \|$", text, re.M))
    assert told == {outcome.value: str(outcome.exit_code) for outcome in Outcome}


def test_the_tutorial_shows_the_example_workflow_as_it_is() -> None:
    workflow = (DOCS / "examples" / "github-security.yml").read_text("utf-8")
    assert f"```yaml\n{workflow}```\n" in (DOCS / "tutorials" / "l0-security-gate.md").read_text("utf-8")


def test_the_readme_is_an_entrance() -> None:
    """What it is, how to install it and how to begin stand on its first two screens; the long parts are pages."""
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) < 200
    assert lines.index("## Install") < 40
    assert next(number for number, line in enumerate(lines) if line.startswith("## Begin")) < 60


def test_the_report_has_the_name_that_the_documents_use() -> None:
    assert f"`{security.FILE_NAME}`" in (DOCS / "reference" / "verdicts.md").read_text("utf-8")


def test_the_pages_that_refusals_point_to_exist() -> None:
    """Every `orch-gates help PAGE` that a message or a document names."""
    from orch_gates.cli.hook import commands as hook
    from orch_gates.report import help_pages

    sources = [*(ROOT / "orch_gates").rglob("*.py"), *DOCS.rglob("*.md")]
    named = {name for path in sources for name in re.findall(r"`orch-gates help (\w+)", path.read_text("utf-8"))}
    assert named | set(hook.HELP_PAGES.values()) <= set(help_pages.PAGES)


def test_the_pages_of_the_package_are_the_documents() -> None:
    """One text, in the documents; what is built from the tree holds a copy."""
    from orch_gates.report import help_pages

    folder = ROOT / "orch_gates" / "report" / "pages"
    assert {path.stem for path in folder.iterdir()} == set(help_pages.PAGES)
    for name, page in help_pages.PAGES.items():
        linked = (folder / f"{name}.md").readlink()
        assert linked.name == page.document
        assert (folder / linked).resolve().is_relative_to(DOCS)


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_layers_are_those_that_the_lint_knows() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    layers = " → ".join(layer.strip("()").replace(" | ", ", ") for layer in contract["layers"])
    assert f"`{layers}`" in " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())


def test_every_document_is_reached_from_the_readme() -> None:
    """A page that no other page names is found by nobody."""
    pending, reached = [ROOT / "README.md"], set()
    while pending:
        page = pending.pop().resolve()
        if page in reached or not page.is_relative_to(ROOT) or of_the_state_branch(page):
            continue
        reached.add(page)
        if page.is_dir():
            pending += page.glob("*.md")
        elif page.suffix == ".md":
            links = (link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8")) if ":" not in link)
            pending += [page.parent / link for link in links if link]
    assert {path for path in markdown_files() if path.is_relative_to(DOCS)} - reached == set()


def test_every_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    names = {re.split(r"[<>=\[ ]", entry)[0] for group in groups for entry in group}
    rows = re.findall(r"^\| (.*?) \|", (DOCS / "adr" / "0007-dependencies.md").read_text("utf-8"), re.M)
    told = {word for row in rows for word in re.findall(r"[\w-]+", row)}
    assert names - told == set()


ARCHITECTURE = (DOCS / "explanation" / "architecture.md").read_text("utf-8")


@pytest.mark.parametrize("path", ["A push arrives at the server", "A task advances", "A tick"])
def test_a_path_is_followed_through_six_files(path: str) -> None:
    """What the diagram names is there, and so is each file in the list below it."""
    section = ARCHITECTURE.split(f"## {path}\n")[1].split("\n## ")[0]
    drawn = re.findall(r"participant \w+ as (\S+\.py)$", section, re.M)
    listed = re.findall(r"^\d\. `(\S+\.py)`", section, re.M)
    assert drawn == listed
    assert 0 < len(drawn) <= 6
    assert all((ROOT / "orch_gates" / name).is_file() for name in drawn)


def test_every_file_that_the_map_names_is_there() -> None:
    """Also those beside the diagrams."""
    named = set(re.findall(r"`(\w+(?:/\w+)*\.py)`", ARCHITECTURE))
    places = [ROOT / "orch_gates", ROOT / "orch_gates" / "state", ROOT / "orch_gates" / "gates"]
    assert {name for name in named if not any((place / name).is_file() for place in places)} == set()


def test_every_folder_is_on_the_map() -> None:
    """Whoever looks for a word finds its room."""
    folders = {path.parent.name for path in (ROOT / "orch_gates").glob("*/__init__.py")}
    assert folders <= set(re.findall(r"`(\w+)/`", ARCHITECTURE))


def test_the_drawn_map_has_every_folder_in_the_order_of_the_layers() -> None:
    """An arrow never points at what the linter forbids to import."""
    drawn = re.findall(r"\b[a-z]+\b", "\n".join(re.findall(r"^ {8}(?!direction)(\S.*)$", map_of_rooms(), re.M)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = next(one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    layers = [layer.split(" | ") for layer in contract["layers"]]
    depth = {room: number for number, layer in enumerate(layers) for room in layer}
    folders = {path.parent.name for path in (ROOT / "orch_gates").glob("*/__init__.py")}
    assert folders <= set(drawn)
    rows = [depth[room] for room in drawn if room in depth]
    assert rows == sorted(rows)


def map_of_rooms() -> str:
    """The diagram below its title."""
    return ARCHITECTURE.split("### The map\n")[1].split("```")[1]


def examples(command: click.Command) -> list[str]:
    """The lines below "Examples:" in a command's help, those that go on joined."""
    _, _, text = (command.help or "").replace("\b", "").partition("Example")
    lines = text.partition(":\n")[2].replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("orch-gates")]


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - {"orch-gates"}))
def test_every_command_has_examples_that_it_takes(path: str) -> None:
    """Each example in a command's help is of that command, and every option in it exists (UX-1)."""
    found = examples(COMMANDS[path])
    assert found
    for line in found:
        words = words_of(line)
        assert f"{' '.join(words)} ".startswith(f"{path} "), line
        assert is_taken(words), line


INLINE = re.compile(r"`(orch-gates [a-z][^`]*)`")
PLACEHOLDER = "NAME"  # of a gate


@pytest.mark.parametrize("page", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_sentence_exists(page: Path) -> None:
    """What a page tells people to type is a command with options that there are (DOC-1)."""
    lines = (" ".join(line.split()) for line in INLINE.findall(page.read_text("utf-8")))
    assert [line for line in lines if PLACEHOLDER not in line and not is_taken(words_of(line))] == []


def words_of(line: str) -> list[str]:
    """The words of a command line, before what is the shell's."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(itertools.takewhile(lambda word: not set(word) & set("<>|()&;"), lexer))


def is_taken(words: list[str]) -> bool:
    """Whether there are such a command and such options."""
    try:
        with cli.make_context("orch-gates", words[1:], resilient_parsing=True) as ctx:
            return taken(cli, ctx, words[1:])
    except click.UsageError:
        return False


def taken(group: click.Command, ctx: click.Context, words: list[str]) -> bool:
    """Whether a command line leads to a command that takes its options."""
    assert isinstance(group, click.Group)
    name, command, rest = group.resolve_command(ctx, words)
    if command is None or name is None:
        return False
    inner = command.make_context(name, list(rest), parent=ctx, resilient_parsing=True)
    deeper = isinstance(command, click.Group) and rest and not rest[0].startswith("-")
    if deeper:
        return taken(command, inner, rest)
    # click itself lets unknown ones pass where nothing is to be run.
    known = {name for param in command.get_params(inner) for name in (*param.opts, *param.secondary_opts)}
    named = itertools.takewhile(lambda word: word != "--", rest)
    return known >= {word.partition("=")[0] for word in named if re.match(r"--?[a-z]", word)}


def test_every_id_that_is_cited_is_explained() -> None:
    """Who reads `MRG-9` in a docstring finds one sentence that says what it is, and no rule is there for nobody."""
    page = DOCS / "explanation" / "requirements.md"
    explained = re.findall(r"^\| ([A-Z]+-?[0-9]+) \| \S", page.read_text("utf-8"), re.M)
    areas = "|".join(sorted({name.rstrip("0123456789") for name in explained}))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60)
    files = (ROOT / name for name in listed.stdout.decode().split("\0") if name.endswith((".py", ".md", ".yml")))
    texts = (path.read_text("utf-8") for path in files if path != page and path.exists())
    cited = {name for text in texts for name in re.findall(rf"\b(?:{areas})[0-9]+\b", text)}
    assert len(explained) == len(set(explained))
    assert cited == set(explained)
