"""The commands of the how-to for the state branch are run as written, on a branch that was damaged as it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import orch_gates
from tests.blocks import BLOCK, ROOT, Shell, blocks
from tests.builders import Repo, Template, orch

PAGE = "docs/how-to/repair-the-state-branch.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BRANCH = "refs/heads/orch-state"
WITNESS = "refs/orch/witness"
TASK = "tasks/cd/T-1/task.md"
# Where only the guard is judged, scanning every push for secrets is time lost.
NO_SCAN = {"ORCH_SECURITY_ENABLED": "false"}
UNGUARDED: dict[str, str | None] = {**NO_SCAN, "ORCH_STATE_GUARD_ENABLED": "false"}
WRITER: dict[str, str | None] = {"GIT_COMMITTER_EMAIL": "orch-gates@localhost"}

pytestmark = pytest.mark.slow


class Scene:
    """A server with the hook, and a person in a clone of the code who types what the page says."""

    def __init__(self, template: Path, folder: Path) -> None:
        self.shell = Shell(folder / "person")
        self.folder = self.shell.here
        self.server = Repo(Path(shutil.copytree(template / "server.git", self.folder / "server.git", symlinks=True)))
        self.shell.run('git clone --quiet "$PWD/server.git" app && cd app')
        self.app = self.shell.here

    def orch(self, *args: str) -> str:
        """A command of somebody else, in another clone with a cache of its own."""
        other = self.folder / "other"
        if not other.exists():
            Repo(self.folder).git("clone", "--quiet", self.server.path, other)
        done = orch(*args, cwd=other, env=NO_SCAN | {"ORCH_CACHE_DIR": str(self.folder / "other-cache")})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def series(self, name: str, *, first: int = 0, last: int | None = None, **replaced: str) -> str:
        """Run blocks of a series where the person is, and answer all that they print."""
        output = []
        for block in blocks(PAGE, name)[first:last]:
            script = block["script"]
            for old, new in replaced.items():
                assert PLACES[old] in TEXT
                script = script.replace(PLACES[old], new)
            output.append(self.shell.run(script, int(block["code"] or 0)))
        assert output
        return "".join(output)

    def damage(self, **files: bytes | Path | None) -> str:
        """Push files (a path is linked to, None removes) while the guard is off, and answer the commit."""
        work = Repo(self.folder / "careless", UNGUARDED | WRITER)
        Repo(self.folder).git("clone", "--quiet", "--branch", "orch-state", self.server.path, work.path)
        for name, content in files.items():
            path = work.path / PLACES[name]
            path.unlink(missing_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content)
            elif content is not None:
                path.write_bytes(content)
        made = work.commit()
        work.git("push", "--quiet", "origin", "orch-state")
        return made

    def tip(self, ref: str = BRANCH) -> str:
        return self.server.git("rev-parse", "--verify", ref)

    def whole(self) -> bool:
        """Whether every step of the history is proven legal."""
        return orch("state", "verify", "--repo", self.server.path, cwd=self.folder).returncode == 0


# What the page names and a test has to name otherwise, and files by a name for a keyword.
PLACES = {
    "task": TASK,
    "root": "orch-state.md",
    "notes": "notes.txt",
    "repository": "/srv/git/app.git",
    "commit": "c87720f7d47dc1e133046533cdfc28e0773ad00b",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server with the hook and two tasks, the first of them in development."""
    folder = tmp_path_factory.mktemp("repair")
    made = Template(folder, "kingfisher").make()
    for args in (
        ("state", "init"),
        ("task", "new", "T-1", "Greet the user"),
        ("task", "new", "T-2", "Say goodbye"),
        ("advance", "T-1", "--approve"),
        ("advance", "T-1"),
    ):
        done = orch(*args, cwd=made.folder / "work", env=NO_SCAN | {"ORCH_CACHE_DIR": str(folder / "cache")})
        assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture
def scene(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("ORCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ORCH_SECURITY_ENABLED", "false")
    return Scene(template, tmp_path)


def words(text: str) -> str:
    """Text without what wraps it, and without commit ids, dates and people."""
    text = re.sub(r"remote:", " ", text)
    text = re.sub(r"\b[0-9a-f]{10}(?:[0-9a-f]{30})?\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "WHEN", text)
    return " ".join(re.sub(r"[\w.-]+@(?:example\.\w+|localhost)", "WHO", text).split())


def shown(containing: str) -> str:
    """The output that the page shows and that holds these words."""
    (found,) = [text for text in re.findall(r"^```text\n(.*?)^```$", TEXT, re.S | re.M) if containing in text]
    return words(found)


def test_the_first_look_at_a_branch_that_is_well(scene: Scene) -> None:
    output = scene.series("look")
    assert "5 commits up to generation 5: every step was legal" in output
    assert "4 files: all are valid" in output
    assert output.count(scene.tip()) == 2


def test_a_refused_push_says_what_the_page_says_and_can_be_dropped(scene: Scene) -> None:
    scene.series("edit", last=1)
    before = scene.tip()
    scene.shell.run(f"sed -i 's/^stage: .*/stage: \"testing\"/' {TASK}; git commit --quiet --all -m skip")
    refused = scene.shell.run("git push origin orch-state", 1)
    # The writers are this server's; the refusal names the rest word for word.
    rules = shown("2 rules of the state branch")
    assert rules.split("Nothing was stored")[0] in words(refused).replace("WHO, WHO may", "orch-gates, WHO may")
    assert "Help: orch-gates help state" in refused
    scene.series("undo")
    assert scene.shell.run("git rev-parse HEAD").strip() == before == scene.tip()


def test_a_legal_edit(scene: Scene) -> None:
    """It is on the branch, with its author and a line in the log; the generation is that of the last command."""
    output = scene.series("edit")
    assert "6 commits up to generation 5: every step was legal" in output
    assert "Greet every user" in scene.orch("task", "show", "T-1")
    assert "title put right by Ann" in scene.orch("task", "show", "T-1")
    assert scene.server.git("log", "-1", "--format=%ae %ce", BRANCH) == "tester@example.invalid orch-gates@localhost"
    scene.orch("task", "hold", "T-1")
    assert scene.whole()


def test_a_legal_edit_when_somebody_was_faster(scene: Scene) -> None:
    scene.series("edit", last=2)
    scene.shell.run("GIT_COMMITTER_EMAIL=orch-gates@localhost git commit --quiet --all -m title")
    scene.orch("task", "hold", "T-2")
    assert "fetch first" in scene.shell.run("git push origin orch-state", 1)
    scene.series("race")
    assert "Greet every user" in scene.orch("task", "show", "T-1")
    assert "held" in scene.orch("task", "show", "T-2")
    assert scene.whole()


def test_without_the_committers_address_it_is_refused(scene: Scene) -> None:
    """That is what the page's own line is for."""
    scene.series("edit", last=2)
    scene.shell.run("git commit --quiet --all -m title")
    assert "may write the state branch" in words(scene.shell.run("git push origin orch-state", 1))


def test_a_document_that_cannot_be_read_is_mended(scene: Scene) -> None:
    text = scene.server.git("show", f"{BRANCH}:{TASK}").splitlines()
    bad = scene.damage(task="\n".join([*text[:2], "title: [", *text[3:]]).encode())
    scene.orch("task", "hold", "T-2")
    output = scene.series("mend")
    assert shown("4 files: 1 problem") in words(output)
    assert "4 files: all are valid" in output
    assert "development" in scene.orch("task", "show", "T-1")
    refused = scene.shell.run("orch-gates state verify", 1)
    assert bad in refused
    assert words(refused).startswith("1 of 8 commits are illegal; the first is ID")
    assert shown("1 of 7 commits").removeprefix("1 of 7") in words(refused)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"---\nschema: orch.task/1\n---\n"], ids=repr)
def test_however_it_was_broken(content: bytes, scene: Scene) -> None:
    scene.damage(task=content)
    assert "4 files: all are valid" in scene.series("mend")


def test_a_link_in_its_place_is_mended_alike(scene: Scene) -> None:
    """It could not be read either, so what takes its place is no new task that has to begin at the beginning (ST-6)."""
    scene.damage(task=Path("/etc/passwd"))
    assert "not a regular file" in scene.series("mend", last=1)
    assert "4 files: all are valid" in scene.series("mend", first=1)
    assert "development" in scene.orch("task", "show", "T-1")


def test_a_root_document_that_cannot_be_read_is_mended(scene: Scene) -> None:
    """It stops every command, and is put back in the same way."""
    scene.damage(root=b"---\nbroken: [\n---\n")
    assert "orch-state.md" in scene.shell.run("orch-gates status", 2)
    assert "orch-state.md" in scene.shell.run("orch-gates state lint", 1)
    assert "nothing is lost" in scene.shell.run("orch-gates state restore")
    assert "4 files: all are valid" in scene.series("mend", first=1, task="orch-state.md")
    scene.orch("task", "hold", "T-1")


def test_a_file_without_a_place_is_taken_away(scene: Scene) -> None:
    scene.damage(notes=b"hello\n")
    assert "notes.txt: no document belongs here" in scene.series("mend", last=1)
    scene.series("edit", last=1)
    scene.shell.run("git rm --quiet notes.txt")
    assert "4 files: all are valid" in scene.series("mend", first=2)


def harm(scene: Scene, how: str) -> None:
    """What an administrator, or a server without the hook, can do to the branch."""
    match how:
        case "deleted":
            scene.server.git("update-ref", "-d", BRANCH)
        case "rewound":
            scene.server.git("update-ref", BRANCH, f"{BRANCH}~2")
        case "replaced":
            tree = scene.server.git("rev-parse", f"{BRANCH}^{{tree}}")
            scene.server.git("update-ref", BRANCH, scene.server.git("commit-tree", "-m", "another past", tree))
        case "code":
            scene.server.git("update-ref", BRANCH, "refs/heads/main")
        case _:
            raise AssertionError(how)


@pytest.mark.parametrize("how", ["deleted", "rewound", "replaced", "code"])
def test_a_damaged_branch_is_restored(how: str, scene: Scene) -> None:
    """From a machine that had never seen it, as from any other; the hook is there, so nothing was forced (ST-4)."""
    good = scene.tip()
    harm(scene, how)
    replacement = scene.server.git("for-each-ref", "--format=%(objectname)", BRANCH)
    scene.shell.run("orch-gates status", 2)
    output = scene.series("restore")
    scene.server.git("merge-base", "--is-ancestor", good, BRANCH)
    assert scene.server.git("merge-base", "--is-ancestor", WITNESS, BRANCH) == ""
    assert "development" in scene.orch("task", "show", "T-1")
    kept = scene.server.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/orch/lost")
    assert kept == (f"refs/orch/lost/6 {replacement}" if how in {"replaced", "code"} else "")
    assert ("is kept as refs/orch/lost/6" in output) is bool(kept)
    if how == "deleted":
        assert words(output) == shown("restored: the branch was gone")
    assert "nothing is lost" in scene.shell.run("orch-gates state restore")


def test_what_was_set_aside_can_be_looked_at(scene: Scene) -> None:
    harm(scene, "replaced")
    scene.series("restore")
    output = scene.series("lost")
    assert "another past" in output
    assert "declined" in scene.shell.run("git push origin :refs/orch/lost/6", 1)


def test_a_hand_edit_after_the_witness_is_pushed_again(scene: Scene) -> None:
    """The witness does not know it; the clone that it was made in does."""
    scene.series("edit")
    harm(scene, "deleted")
    person = scene.shell.here
    other = Shell(scene.folder / "elsewhere")
    other.here = scene.app
    other.run(f"export ORCH_CACHE_DIR={scene.folder}/new-cache; " + blocks(PAGE, "restore")[0]["script"])
    assert "Greet the user" in scene.orch("task", "show", "T-1")
    scene.shell.here = person
    scene.shell.run("git push --quiet origin orch-state")
    assert "Greet every user" in scene.orch("task", "show", "T-1")


@pytest.mark.parametrize("how", ["both gone", "both old"])
def test_without_a_witness_a_clone_brings_it_back(how: str, scene: Scene) -> None:
    scene.shell.run("orch-gates status")
    scene.series("edit", last=1)
    good = scene.tip()
    for ref in (BRANCH, WITNESS):
        scene.server.git("update-ref", *(["-d", ref] if how == "both gone" else [ref, f"{good}~2"]))
    refused = scene.shell.run("orch-gates status", 2)
    assert good in refused
    if how == "both gone":
        told = re.sub(r"generation \d+", "generation N", words(refused))
        assert re.sub(r"generation \d+", "generation N", shown("and its witness")) in told
    scene.series("again")
    assert scene.tip() == good
    scene.orch("task", "hold", "T-1")
    assert scene.tip(WITNESS) == scene.tip()
    assert scene.whole()


def test_without_a_witness_the_server_may_still_have_it(scene: Scene) -> None:
    good = scene.tip()
    for ref in (BRANCH, WITNESS):
        scene.server.git("update-ref", "-d", ref)
    scene.series("server", repository=str(scene.server.path), commit=good)
    assert "development" in scene.orch("task", "show", "T-1")
    scene.orch("task", "hold", "T-1")
    assert scene.tip(WITNESS) == scene.tip()


def test_a_new_branch_takes_the_place_of_what_is_put_back_later(scene: Scene) -> None:
    """What the page warns of."""
    good = scene.tip()
    for ref in (BRANCH, WITNESS):
        scene.server.git("update-ref", "-d", ref)
    scene.shell.run("orch-gates state init")
    scene.server.git("update-ref", BRANCH, good)
    scene.series("restore")
    assert scene.server.git("for-each-ref", "--format=%(objectname)", "refs/orch/lost") == good
    assert "T-1" not in scene.orch("task", "list")


def test_a_removed_task_is_put_back_without_the_guard(scene: Scene) -> None:
    scene.damage(task=None)
    scene.series("edit", last=1)
    scene.shell.run(f"git checkout --quiet HEAD^ -- {TASK}")
    scene.shell.run("GIT_COMMITTER_EMAIL=orch-gates@localhost git commit --quiet -m 'Put T-1 back'")
    assert "in a new task" in scene.shell.run("git push origin orch-state", 1)
    scene.series("switch", repository=str(scene.server.path))
    assert "development" in scene.orch("task", "show", "T-1")


def test_the_messages_that_the_page_explains_are_those_of_the_code() -> None:
    """Word for word, apart from what stands for a name."""
    package = Path(orch_gates.__file__).parent
    modules = [*package.glob("state/**/*.py"), *package.glob("engine/*.py"), *package.glob("hooks/*.py")]
    source = "".join(path.read_text("utf-8") for path in modules)
    section = TEXT.split("### What the rules are")[1].split("\n### ")[0]
    told = [quoted for row in re.findall(r"^\| (`.*?`) \|", section, re.M) for quoted in re.findall("`(.*?)`", row)]
    assert len(told) > 20
    parts = [part.strip() for message in told for part in message.split("…")]
    assert [part for part in parts if part not in source] == []


def test_a_marker_stands_above_every_block_that_is_a_command() -> None:
    """A misspelt marker would take its block out of the tests."""
    assert len(BLOCK.findall(TEXT)) == TEXT.count("```sh\n")
    names = {found["name"] for found in BLOCK.finditer(TEXT)}
    assert names == {"look", "undo", "edit", "race", "mend", "restore", "lost", "again", "server", "switch"}
