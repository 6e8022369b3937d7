"""A problem in a TOML file is told with the line that it is on, however the file is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest

from orch_gates.documents.toml_lines import Path, lines

DOCUMENT = '''\
title = "x" # [no.table]
"a b".c = [1, 2, # x
  {k = 'v', "q\\"" = """
multi "" line\\"""" }, ]
[extend]
useDefault = true

[[rules]]
id = "one"
regex = \'\'\'a\'\' \'[[rules]]\'
id = 3 \'\'\'
[rules.allowlist]
when = 1979-05-27 07:32:00
  [[rules.allowlists]]
  y = [ ]
[[rules]]
id="two"
[[rules.required]]
z = { a.b = 1, c = [ { d = "}" } ] }
[ "x" . 'y.z' ]
empty = """"""
quoted = """"x""""
after = 1
'''


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every table, element and key of what the standard library has read."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from paths(item, (*path, number))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [DOCUMENT, "", "# only a comment", "a = 1", DOCUMENT.replace("\n", "\n\n")])
def test_everything_in_a_document_has_its_line(text: str, ends: str) -> None:
    """Nothing is left out, and nothing is there that the reader of TOML does not see."""
    text = text.replace("\n", ends)
    assert set(lines(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "start"),
    [
        (("title",), "title"),
        (("a b",), '"a b".c'),
        (("a b", "c", 2, "k"), "  {k"),
        (("a b", "c", 2, 'q"'), "  {k"),
        (("extend",), "[extend]"),
        (("rules", 0), "[[rules]]"),
        (("rules", 0, "regex"), "regex"),
        (("rules", 0, "allowlists", 0, "y"), "  y"),
        (("rules", 1), "[[rules]]"),
        (("rules", 1, "id"), 'id="two"'),
        (("rules", 1, "required", 0, "z", "c", 0, "d"), "z = {"),
        (("x", "y.z"), '[ "x"'),
        (("x", "y.z", "after"), "after"),
    ],
)
def test_the_line_is_where_it_is_said(path: Path, start: str) -> None:
    """Counted from 1, over comments, strings of several lines, and tables in arrays."""
    assert DOCUMENT.splitlines()[lines(DOCUMENT)[path] - 1].startswith(start)
