"""The quick reader says the same as the careful one, or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_gates.documents import frontmatter, yaml_flat, yaml_read
from scripts import state_reference

_KEYS = st.sampled_from(["a", "b", "id", "null", "yes", "y", "a_b", "A", "1", "a-b", "<<"])
_SCALARS = st.sampled_from(
    ['"no"', '""', '" x "', '"a: b"', '"#"', '"\\n"', "null", "true", "True", "~", "0", "-1", "-0", "007", "1e3", "no"]
    + [
        "9" * 18,
        "9" * 19,
        "[]",
        "{}",
        "x # y",
        '"x" # y',
        '"ü"',
        '"→"',
        '"\u2028"',
        '"\x85"',
        "'q'",
        "",
        "&a 1",
        "!!str 1",
    ]
)
_INDENTS = st.sampled_from(["  ", "  ", "  ", "", " ", "   "])
_LINES = st.one_of(
    st.builds("{}: {}\n".format, _KEYS, st.one_of(_SCALARS, st.text(max_size=8))),
    st.builds(
        "{}:\n{}".format, _KEYS, st.lists(st.builds("{}- {}\n".format, _INDENTS, _SCALARS), max_size=3).map("".join)
    ),
    st.builds(
        "{}:\n{}".format,
        _KEYS,
        st.lists(st.builds("{}{}: {}\n".format, _INDENTS, _KEYS, _SCALARS), max_size=3).map("".join),
    ),
    st.sampled_from(["# a comment\n", "\n", " a: 1\n", "a: |\n  x\n", "- 1\n", "---\n", "a:  1\n", "a: 1"]),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(_LINES, max_size=5).map("".join))
def test_the_quick_reader_never_differs_from_the_careful_one(raw: str) -> None:
    quick = yaml_flat.parse(raw)
    if quick is not None:
        careful = yaml_read.parse(raw)
        assert quick == careful
        assert list(kinds(quick)) == list(kinds(careful))


def kinds(value: object) -> Iterator[object]:
    """Every key and type in their order: `True` equals 1."""
    yield type(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from kinds(inner)


def test_what_is_repeated_is_left_to_the_careful_reader() -> None:
    """It names the line."""
    assert yaml_flat.parse("a: 1\na: 2\n") is None
    assert yaml_flat.parse("a:\n  b: 1\n  b: 2\n") is None


@pytest.mark.parametrize("kind", ["orch-state", "task", "lease", "job"])
def test_our_own_documents_are_read_quickly(kind: str) -> None:
    """ST-5: ten thousand of them are read for one `status`."""
    raw, _ = frontmatter.split((state_reference.STATE / "templates" / f"{kind}.md").read_text("utf-8"))
    assert yaml_flat.parse(raw) == yaml_read.parse(raw)
