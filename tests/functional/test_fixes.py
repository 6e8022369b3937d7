"""What a refusal proposes is done as it is printed, command by command, and then the push goes through (SEC-5)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.builders import Repo, github_token, run

Pair = tuple[Repo, Repo]
COMMAND = re.compile(r"^remote: {7}(git .*?) *$", re.M)
COMMIT = re.compile(r"\(commit ([0-9a-f]{10}), finding")


@dataclass
class Person:
    """Somebody who does what the message says: runs its commands, edits the list of commits, takes the value out."""

    work: Repo
    token: str = field(default_factory=github_token, repr=False)

    def push(self) -> tuple[int, str]:
        """Push, and what the server says."""
        done = self.work.attempt("push", "--quiet", "--follow-tags", "origin", "HEAD:refs/heads/topic")
        output = done.stderr.decode()
        assert self.token not in output
        return done.returncode, output

    def refused(self) -> str:
        code, output = self.push()
        assert (code, "1 secret found" in output) == (1, True), output
        return output

    def follow(self, said: str, clean: Callable[[], object], **words: str) -> None:
        """Run every command of the message; the value is taken out where git has stopped, or before there is more."""
        commands = COMMAND.findall(said)
        assert commands, said
        for number, command in enumerate(commands):
            if number == min(1, len(commands) - 1):
                clean()
            typed = command
            for word, meant in words.items():
                typed = re.sub(rf"\b{word}\b", meant, typed)
            done = run("bash", "-c", typed, cwd=self.work.path, env=self._editors(said))
            assert done.returncode == 0, (command, done.stderr.decode())

    def _editors(self, said: str) -> dict[str, str]:
        """The words that the message gives for the list of commits; a text loses its token."""
        found = COMMIT.search(said)
        short = found[1][:7] if found else "none"
        advice = " ".join(said.replace("remote:", "").split())
        edits = {
            "write `edit`": f"s/^pick {short}/edit {short}/",
            "write `reword`": f"s/^pick {short}/reword {short}/",
            "add a line `break` below": f"/^merge -C {short}/a break",
            "change `merge -C` to `merge -c`": f"s/^merge -C {short}/merge -c {short}/",
        }
        edit = next((edit for words, edit in edits.items() if words in advice), "")
        return {"GIT_SEQUENCE_EDITOR": f"sed -i '{edit}'", "GIT_EDITOR": "sed -i 's/ghp_[A-Za-z0-9]*/it/'"}

    def out_of_file(self) -> None:
        self.work.write("leak.txt", "value = read()\n")
        self.work.git("add", "leak.txt")

    def other_name(self) -> None:
        self.work.git("mv", "--", f"name-{self.token}", "a-name")

    def leak(self, message: str = "leak") -> str:
        return self.work.commit(message, {"leak.txt": f"value = '{self.token}'\n"})

    def merged(self, message: str = "merge", files: dict[str, str | bytes] | None = None) -> str:
        """A merge with a side branch, which may hold what neither side has."""
        side = self.work.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "side")
        self.work.git("merge", "--quiet", "--no-ff", "--no-commit", side)
        return self.work.commit(message, files)

    def anew(self) -> None:
        """Begin a history of its own."""
        self.work.git("checkout", "--quiet", "--orphan", "anew")
        self.work.git("rm", "-r", "--force", "--quiet", ".")

    def done(self) -> None:
        """The push goes through, and nothing that it has holds the value."""
        code, output = self.push()
        assert code == 0, output
        assert self.token not in self.work.git("log", "-p", "-m", "HEAD")


@pytest.fixture
def person(pair: Pair) -> Person:
    return Person(pair[1])


def more(person: Person) -> None:
    person.work.commit("more", {"more.txt": "more\n"})


def nothing(_person: Person) -> None:
    pass


@pytest.mark.parametrize("anew", [False, True], ids=["on main", "root"])
@pytest.mark.parametrize(
    ("follows", "first"),
    [(nothing, "git commit --amend --no-edit"), (more, "git rebase -i ")],
    ids=["newest", "earlier"],
)
def test_a_file_of_a_commit(person: Person, anew: bool, follows: Callable[[Person], None], first: str) -> None:
    """The newest commit is amended; an earlier one, and the first of all, is edited in a rebase."""
    if anew:
        person.anew()
    person.leak()
    follows(person)
    output = person.refused()
    assert COMMAND.findall(output)[0].startswith(first)
    assert ("--root" in output) == (anew and follows is more)
    person.follow(output, person.out_of_file)
    person.done()


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
def test_a_file_of_a_merge_alone(person: Person, follows: Callable[[Person], None]) -> None:
    """What only the merge holds goes, and the merge stays one."""
    person.work.commit("before", {"before.txt": "x\n"})
    person.merged(files={"leak.txt": f"value = '{person.token}'\n"})
    follows(person)
    person.follow(person.refused(), person.out_of_file)
    person.done()
    assert person.work.git("rev-list", "--merges", "--count", "HEAD") == "1"
    assert person.work.git("show", "HEAD:leak.txt") == "value = read()"


def test_a_commit_below_a_merge_keeps_it(person: Person) -> None:
    """Main was merged into the branch meanwhile: its commits stay what they are, and the merge stays one."""
    person.leak()
    person.work.git("checkout", "--quiet", "-b", "theirs", "origin/main")
    theirs = person.work.commit("theirs", {"theirs.txt": "theirs\n"})
    assert person.work.push("HEAD:refs/heads/theirs").returncode == 0
    person.work.git("checkout", "--quiet", "-")
    person.work.git("merge", "--quiet", "--no-ff", "theirs", "-m", "with theirs")
    output = person.refused()
    assert "git rebase -i --rebase-merges" in output
    person.follow(output, person.out_of_file)
    person.done()
    assert person.work.git("rev-parse", "HEAD^2") == theirs


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
@pytest.mark.parametrize("kind", ["commit", "root", "merge"])
def test_a_message(person: Person, kind: str, follows: Callable[[Person], None]) -> None:
    """It is written again: the newest by an amendment, an earlier one in a rebase, that of a merge too."""
    if kind == "root":
        person.anew()
    message = f"say {person.token}"
    if kind == "merge":
        person.work.commit("before", {"before.txt": "x\n"})
        person.merged(message)
    else:
        person.work.commit(message, {"new.txt": "new\n"})
    follows(person)
    person.follow(person.refused(), lambda: None)
    person.done()
    assert person.work.git("rev-list", "--merges", "--count", "HEAD") == str(int(kind == "merge"))


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
def test_the_name_of_a_file(person: Person, follows: Callable[[Person], None]) -> None:
    person.work.commit("name", {f"name-{person.token}": "content\n"})
    follows(person)
    person.follow(person.refused(), person.other_name)
    person.done()


def test_the_message_of_a_tag(person: Person) -> None:
    """Which tag it is, the person knows."""
    person.work.git("tag", "-a", "v1", "-m", f"say {person.token}")
    person.follow(person.refused(), lambda: None, TAG="v1")
    person.done()


@pytest.mark.parametrize("more_notes", [False, True], ids=["newest", "earlier"])
@pytest.mark.parametrize("there", [False, True], ids=["first push", "upon others"])
@pytest.mark.parametrize("ref", ["commits", "$(touch${IFS}PWNED)"])
def test_a_note(person: Person, ref: str, there: bool, more_notes: bool) -> None:
    """It is in a history of its own: nothing is amended, the other notes stay, and no push is forced (SEC-5)."""
    work, full = person.work, f"refs/notes/{ref}"
    work.commit("noted", {"noted.txt": "noted\n"})
    head, before = work.git("rev-parse", "HEAD", "HEAD~1").split()
    notes = ("notes", f"--ref={ref}")
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    if there:
        work.git(*notes, "add", "-m", "reviewed", before)
        work.git(*notes, "add", "-m", "by a colleague")
        work.git("push", "--quiet", "origin", full)
    work.git(*notes, "append", "-m", f"token {person.token}")
    if more_notes:
        work.git(*notes, "append", "-m", "and more")
        work.git(*notes, "add", "-f", "-m", "more", before)
    other = work.git("commit-tree", "-m", "not a note", "HEAD^{tree}", "-p", "HEAD")
    work.git("notes", "--ref=aaa", "add", "-m", "fine")
    done = work.attempt("push", "--quiet", "--atomic", "origin", "refs/notes/aaa", full, f"{other}:refs/heads/other")
    refusal = done.stderr.decode()
    assert (done.returncode, person.token in refusal, "touch" in refusal.partition("To ")[0]) == (1, False, False)
    person.follow(refusal, lambda: None, NOTES=shlex.quote(ref), OBJECT=head)
    work.git("push", "--quiet", "origin", full)
    assert work.git("rev-parse", "HEAD") == head
    assert person.token not in work.git("log", "-p", full)
    assert not (work.path / "PWNED").exists()
    kept = work.git(*notes, "show").split("\n\n")
    assert kept == [*(["by a colleague"] if there else []), "token it", *(["and more"] if more_notes else [])]
    if there or more_notes:
        assert work.git(*notes, "show", before) == ("more" if more_notes else "reviewed")


def test_what_else_is_in_the_commit_of_a_note(person: Person) -> None:
    """Its message is made again with it, and the commit of the code stays as it is."""
    work = person.work
    head = work.git("rev-parse", "HEAD")
    work.git("notes", "add", "-m", "fine")
    made = work.git("commit-tree", "-m", f"say {person.token}", "refs/notes/commits^{tree}")
    work.git("update-ref", "refs/notes/commits", made)
    done = work.attempt("push", "--quiet", "origin", "refs/notes/commits")
    assert done.returncode == 1
    person.follow(done.stderr.decode(), lambda: None, NOTES="commits")
    work.git("push", "--quiet", "origin", "refs/notes/commits")
    assert work.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
@pytest.mark.parametrize("kind", ["commit", "merge"])
def test_the_author(person: Person, kind: str, follows: Callable[[Person], None]) -> None:
    """Another author is put there."""
    if kind == "merge":
        person.merged()
    else:
        person.work.commit("by whom", {"new.txt": "new\n"})
    person.work.git("commit", "--amend", "--no-edit", f"--author={person.token} <ann@example.invalid>")
    follows(person)
    person.follow(person.refused(), lambda: None, NAME="Ann", EMAIL="ann@example.invalid")
    person.done()


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
def test_the_committer(person: Person, follows: Callable[[Person], None]) -> None:
    """The name that git takes from the configuration is corrected there, and the commit made by it again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_NAME", person.token)
        person.work.commit("by whom", {"new.txt": "new\n"})
    follows(person)
    person.follow(person.refused(), lambda: None, NAME="Ann")
    person.done()


def test_the_tagger(person: Person) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_NAME", person.token)
        person.work.git("tag", "-a", "v1", "-m", "first")
    person.follow(person.refused(), lambda: None, NAME="Ann", TAG="v1")
    person.done()


def test_one_rebase_begins_where_all_others_come_after(person: Person) -> None:
    """A second secret is in a commit that the first rebase makes anew, so its old id must not be in a command."""
    first = person.leak()
    second = person.work.commit("second", {"other.txt": f"value = '{github_token()}'\n"})
    more(person)
    code, output = person.push()
    assert (code, "2 secrets found" in output) == (1, True)
    commands = COMMAND.findall(output)
    assert commands == [f"git rebase -i {first[:10]}^", "git commit --amend --no-edit", "git rebase --continue"]
    edits = f"sed -i 's/^pick \\({first[:7]}\\|{second[:7]}\\)/edit \\1/'"
    person.work.env |= {"GIT_SEQUENCE_EDITOR": edits, "GIT_EDITOR": "true"}
    person.work.git(*commands[0].split()[1:])
    for clean in (person.out_of_file, lambda: person.work.git("rm", "--force", "--quiet", "other.txt")):
        clean()
        for command in commands[1:]:
            person.work.git(*command.replace("--amend", "--amend --allow-empty").split()[1:])
    person.done()


def test_only_the_newest_of_two_branches_is_amended(person: Person) -> None:
    """A commit that another pushed branch is made upon would stay in that one."""
    leak = person.leak()
    more(person)
    done = person.work.push(f"{leak}:refs/heads/one", "HEAD:refs/heads/two")
    assert COMMAND.findall(done.stderr.decode())[0] == f"git rebase -i {leak[:10]}^"


@pytest.mark.parametrize("follows", [nothing, more], ids=["newest", "earlier"])
@pytest.mark.parametrize("trigger", ["", "pr-merge-to-base"])
def test_who_edits_on_the_server_is_told_so(person: Person, trigger: str, follows: Callable[[Person], None]) -> None:
    """Gitea pushes one commit for them, and tells the hook; a merge is pushed so too, and is not theirs to save."""
    person.leak()
    follows(person)
    person.work.env |= {"SSH_ORIGINAL_COMMAND": "gitea-internal", "GITEA_PUSH_TRIGGER": trigger}
    output = person.refused()
    in_editor = follows is nothing and not trigger
    assert ("web editor" in output) == in_editor
    assert bool(COMMAND.findall(output)) != in_editor


def test_a_sha256_repository_gets_the_same_advice(tmp_path: Path) -> None:
    from tests.builders import Template

    _, work = Template(tmp_path / "made", "kingfisher", "sha256").make().pair(tmp_path / "pair")
    person = Person(work)
    person.leak()
    more(person)
    person.follow(person.refused(), person.out_of_file)
    person.done()
