"""The files that init writes: recognised without a guess, valid, and one source with the documents (UX-1, MRG-11)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.adopt import blocks, bundle, configuration, existing_ci, marker, workflows
from orch_gates.adopt.bundle import Bundle
from orch_gates.adopt.workflows import Actions
from orch_gates.config.parse import parse
from orch_gates.errors import UsageError
from orch_gates.forge.port.server import ForgeKind

COMMIT = "0123456789" * 4
KINDS = (ForgeKind.GITEA, ForgeKind.FORGEJO, ForgeKind.GITHUB)
HOME = "https://git.example.org/acme/gates"
ACTIONS = Actions("acme/gates", COMMIT, Bundle(HOME, COMMIT).page)
BUNDLE = Bundle("https://git.example.org/orch/orch-gates", COMMIT)
LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")), max_size=5
)


@given(LINES, LINES, LINES)
def test_what_was_written_is_found_and_taken_out_again(above: list[str], body: list[str], below: list[str]) -> None:
    """Whatever stands above and below it."""
    ours, others = ("".join(f"{line}\n" for line in lines) for lines in (body, [*above, *below]))
    top = "".join(f"{line}\n" for line in above)
    text = top + marker.stamped(ours, "1.0", 1) + others[len(top) :]
    mark = marker.find(text)
    assert mark is not None
    assert mark.intact
    assert marker.without(text, [mark]) == others


@given(st.lists(LINES, min_size=1, max_size=4), st.lists(LINES, min_size=5, max_size=5))
def test_every_part_is_found_and_taken_out(bodies: list[list[str]], between: list[list[str]]) -> None:
    """A merge by hand keeps two of them at times."""
    text, others = "", ""
    for number, body in enumerate([*bodies, None]):
        theirs = "".join(f"{line}\n" for line in between[number])
        others += theirs
        text += theirs
        if body is not None:
            text += marker.stamped("".join(f"{line}\n" for line in body), "1.0", 1)
    assert [mark.intact for mark in marker.parts(text)] == [True] * len(bodies)
    assert marker.without(text, marker.parts(text)) == others


@given(st.integers(0, 200), st.characters(codec="utf-8"))
def test_one_changed_character_is_a_change_by_hand(place: int, character: str) -> None:
    """So is a line that was added or taken away."""
    body = "".join(f"line {number}\n" for number in range(30))
    at = place % len(body)
    text = marker.stamped(body, "1.0", 2)
    head = text[: len(text) - len(body)]
    changed = head + body[:at] + character + body[at + 1 :]
    assert marker.covered(text) == body
    assert (marker.covered(changed) == "") == (changed.splitlines() != text.splitlines())
    assert marker.covered(f"{text}more\n") == marker.covered(text[: text.rindex("line 29")]) == ""


def test_a_checkout_with_other_line_ends_is_no_change() -> None:
    text = marker.stamped("a: 1\nb: 2\n", "1.0", 0)
    assert marker.covered(text.replace("\n", "\r\n")) == "a: 1\nb: 2\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_workflow_is_the_example_of_the_documents(kind: ForgeKind) -> None:
    """With the commit in it, and nothing left to be put in by hand."""
    for name in workflows.names(2):
        text = workflows.text(kind, name, ACTIONS, ["ci", "a b"])
        assert "zeros" not in text
        assert "Copy to" not in text
        assert "0" * 40 not in text
        assert "orch/orch-gates/" not in text
        assert text.count("uses: acme/gates/actions/") == text.count(f"@{COMMIT}") == 1
        # The repository that it is copied to has none of our pages.
        assert text.count(f"{HOME}/src/commit/{COMMIT}/docs/") == text.count("docs/")
        assert isinstance(yaml.safe_load(text)["jobs"], dict)
    queue = workflows.text(kind, "queue", ACTIONS, ["ci", "a b"])
    assert ('workflows: [ci, "a b"]' in queue) == (kind is not ForgeKind.FORGEJO)


def test_checkout_is_taken_from_where_other_workflows_take_it() -> None:
    """A server that takes nothing from GitHub has a mirror of it; our commit of it stays, whatever theirs is."""
    ours = workflows.text(ForgeKind.GITEA, "queue", ACTIONS, ["ci"])
    mirror = "https://git.example.org/mirrors/checkout"
    steps = f"steps:\n  # uses: http://x/checkout@1\n  - uses: '{mirror}@v4'\n"
    texts = {".gitea/workflows/ci.yml": steps}
    assert existing_ci.checkout(ForgeKind.FORGEJO, texts) == existing_ci.checkout(ForgeKind.GITEA, texts) == mirror
    assert (
        existing_ci.checkout(ForgeKind.GITHUB, texts) == existing_ci.checkout(ForgeKind.GITEA, {"ci.yml": ours}) == ""
    )
    mirrored = workflows.text(ForgeKind.GITEA, "queue", replace(ACTIONS, checkout=mirror), ["ci"])
    assert mirrored == ours.replace("uses: actions/checkout@", f"uses: {mirror}@")
    assert mirrored != ours
    assert existing_ci.checkout(ForgeKind.GITEA, {"queue.yml": mirrored}) == mirror


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_configuration_is_valid_and_enough_for_its_level(level: int) -> None:
    wanted = configuration.WantedConfiguration(
        level, ("ci / test (*)", "orch/security/main"), "make 'a' \"b\"", "Makefile:1", alone=True
    )
    raw = configuration.text(wanted).encode()
    assert configuration.problems(raw) == ()
    assert configuration.lacks(raw, level) == ""
    found = parse(raw)
    assert bool(found.queue) == (level > 0)
    if level:
        assert found.given["ORCH_CI_GREEN_CONTEXTS"].value == ("ci / test (*)", "orch/security/main")
        assert found.given["ORCH_MERGE_TEST"].value == "make 'a' \"b\""
    if level < 2:
        assert configuration.lacks(raw, level + 1)


def test_attributes_are_added_once() -> None:
    """A file of somebody's keeps all that it has, the form of its line ends, too (MRG-11)."""
    new = blocks.attributes(None, "1.0", 1).after
    assert new is not None
    assert new.endswith("CHANGELOG.md merge=union\n")
    assert blocks.attributes(new, "1.0", 1).after is None
    for there in ("*.png binary\r\n*.sh text", "*.png binary\n"):
        after = blocks.attributes(there, "1.0", 1).after
        assert after is not None
        assert after.startswith(there)
        assert after.count("\n") - after.count("\r\n") == (0 if "\r" in there else after.count("\n"))
        mark = marker.find(after)
        assert mark is not None
        assert mark.intact
        assert marker.without(after, [mark]).rstrip() == there.rstrip()
    for there in ("CHANGELOG.md merge=ours\n", "/CHANGELOG.md text -merge\n"):
        assert blocks.attributes(there, "1.0", 1).after is None


@pytest.mark.parametrize(
    "there",
    [
        "repos:\n- repo: https://example.invalid/a\n  rev: v1\n  hooks:\n  - id: a\n",
        "default_stages: [pre-commit]\nrepos:\n    # theirs\n    - repo: local\n      hooks: [{id: a}]\n",
        "repos:\r\n  - repo: local\r\n    hooks: [{id: a}]\r\n",
    ],
)
def test_hooks_are_added_to_those_of_a_clone(there: str) -> None:
    """In the form that the file has; nothing else changes its meaning, and it can be taken out again."""
    after = blocks.pre_commit(there, BUNDLE, "1.0", 0).after
    assert after is not None
    assert yaml.safe_load(after)["repos"][:-1] == yaml.safe_load(there)["repos"]
    ours = yaml.safe_load(after)["repos"][-1]
    assert (ours["repo"], ours["rev"]) == (BUNDLE.place, COMMIT)
    assert [hook["id"] for hook in ours["hooks"]] == ["orch-secrets", "orch-secrets-push"]
    assert blocks.pre_commit(after, BUNDLE, "1.0", 0) == blocks.Added(None)
    mark = marker.find(after)
    assert mark is not None
    assert marker.without(after, [mark]) == there


@pytest.mark.parametrize(
    "there",
    [
        "repos: [{repo: local, hooks: []}]\nci: {}\n",
        "repos:\n- repo: local\n  hooks: []\nfail_fast: true\n",
        "[broken",
        "",
    ],
)
def test_a_form_that_cannot_be_kept_is_left_to_its_owner(there: str) -> None:
    added = blocks.pre_commit(there, BUNDLE, "1.0", 0)
    assert added.after is None
    assert added.why


@pytest.mark.parametrize(
    ("given", "kind", "server", "uses"),
    [
        (
            f"https://git.example.org/orch/orch-gates@{COMMIT}",
            ForgeKind.GITEA,
            "",
            "https://git.example.org/orch/orch-gates",
        ),
        (
            f"git@git.example.org:orch/orch-gates.git@{COMMIT}",
            ForgeKind.FORGEJO,
            "",
            "https://git.example.org/orch/orch-gates",
        ),
        (
            f"http://localhost:3000/orch/orch-gates@{COMMIT}",
            ForgeKind.GITEA,
            "",
            "http://localhost:3000/orch/orch-gates",
        ),
        (f"acme/gates@{COMMIT}", ForgeKind.GITHUB, "https://github.com", "acme/gates"),
        (f"https://github.com/orch/orch-gates@{COMMIT}", ForgeKind.GITHUB, "https://github.com", "orch/orch-gates"),
        (f"https://git.example.org/orch/orch-gates@{COMMIT}", ForgeKind.GITHUB, "https://github.com", ""),
    ],
)
def test_where_the_actions_are(given: str, kind: ForgeKind, server: str, uses: str) -> None:
    """GitHub takes actions of its own only; the others by their whole url."""
    named = bundle.named(given)
    assert (named.commit, named.uses(kind, server)) == (COMMIT, uses)


@pytest.mark.parametrize(
    "given", ["", "/srv/git/app.git", "https://h/x y/z", "https://u:p@", "gates", "https://h/a/b?c=1"]
)
def test_what_no_runner_can_use_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--actions"):
        bundle.named(given)


@pytest.mark.parametrize(
    ("place", "server", "github", "page"),
    [
        (HOME, "", False, f"{HOME}/src/commit/{COMMIT}/docs/a.md"),
        ("https://github.com/acme/gates", "", False, f"https://github.com/acme/gates/blob/{COMMIT}/docs/a.md"),
        ("acme/gates", "https://ghe.example.org", True, f"https://ghe.example.org/acme/gates/blob/{COMMIT}/docs/a.md"),
        ("acme/gates", "https://git.example.org", False, f"{HOME}/src/commit/{COMMIT}/docs/a.md"),
        (HOME, "https://ghe.example.org", True, f"{HOME}/src/commit/{COMMIT}/docs/a.md"),
        ("acme/gates", "", False, "docs/a.md in the repository of orch-gates"),
        ("", "", False, "docs/a.md in the repository of orch-gates"),
    ],
)
def test_a_page_of_the_docs_has_an_address(place: str, server: str, github: bool, page: str) -> None:
    """That of the very commit, where it is known; the repository that orch-gates is used in has no such page."""
    assert Bundle(place, COMMIT).page("docs/a.md", server, github=github) == page
    assert Bundle(place).page("docs/a.md", server) == "docs/a.md in the repository of orch-gates"


def test_what_workflows_use_stays() -> None:
    """A second run, by another version of the program, changes nothing; a file changed by hand counts last."""
    text = marker.stamped(workflows.text(ForgeKind.GITEA, "queue", ACTIONS, ["ci"]), "1.0", 1)
    edited = text.replace("acme/gates", "fork/gates")
    assert bundle.recorded([edited]) == Bundle("fork/gates", COMMIT)
    assert bundle.recorded([edited, text]) == bundle.recorded([text]) == Bundle("acme/gates", COMMIT)
    assert bundle.recorded(["name: somebody's own\n"]) == Bundle()
