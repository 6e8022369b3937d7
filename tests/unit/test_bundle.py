"""Bundles: nothing is lost between them, and every line can be found again (SEC-2)."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orch_gates.content.bundle import LONG_LINE_BYTES, OVERLAP_BYTES, PIECE_BYTES, Bundles, pieces
from orch_gates.content.fragments import Fragment, Origin
from orch_gates.errors import BudgetExceeded

ORIGIN = Origin("file", "a/file.txt", "", "an id")


def lines_of(lengths: list[int]) -> bytes:
    """Lines of the given lengths in which every stretch is recognisable."""
    return b"\n".join(_line(at * 20_000, size) for at, size in enumerate(lengths))


def _line(first: int, size: int) -> bytes:
    return b"".join(b"%07d " % number for number in range(first, first + size // 8 + 1))[:size]


SHAPES = st.lists(
    st.one_of(st.integers(0, 90), st.integers(3000, 4600), st.sampled_from([20_000, LONG_LINE_BYTES, 130_000])),
    max_size=60,
).map(lines_of)


@given(data=SHAPES, first=st.integers(1, 50), marks=st.data())
def test_no_stretch_is_lost_at_a_seam(data: bytes, first: int, marks: st.DataObject) -> None:
    """Anything up to the overlap, across lines too, stands whole in a piece, under its line."""
    cut = list(pieces(Fragment(ORIGIN, first, data)))
    size = marks.draw(st.integers(24, OVERLAP_BYTES))
    start = marks.draw(st.integers(0, max(0, len(data) - size)))
    stretch = data[start : start + size]
    line = first + data.count(b"\n", 0, start)
    assert any(line in _lines_with(piece, stretch) for piece in cut)


def _lines_with(piece: Fragment, stretch: bytes) -> set[int]:
    found, at = set(), piece.data.find(stretch)
    while at >= 0:
        found.add(piece.first_line + piece.data.count(b"\n", 0, at))
        at = piece.data.find(stretch, at + 1)
    return found


@pytest.mark.parametrize("lengths", [[60] * 600, [0, 25, 500] * 60, [3_900, 90] * 8, [70_000, 40, 70_000]])
def test_every_stretch_around_a_seam_is_whole(lengths: list[int]) -> None:
    """Slid over a whole text in small steps: lines of a rule that spans some are never parted."""
    data = lines_of(lengths)
    cut = [piece.data for piece in pieces(Fragment(ORIGIN, 1, data))]
    stretches = (data[start : start + OVERLAP_BYTES] for start in range(0, len(data), 23))
    assert all(any(stretch in piece for piece in cut) for stretch in stretches)


@given(data=SHAPES)
def test_pieces_cover_every_byte_in_order(data: bytes) -> None:
    """Each piece is a stretch of the file at its line, none begins behind the end of the last."""
    covered = 0
    for piece in pieces(Fragment(ORIGIN, 1, data)):
        starts = [0]
        while (at := data.find(piece.data, starts[-1] + 1)) >= 0:
            starts.append(at)
        fitting = [
            at
            for at in starts
            if data.startswith(piece.data, at) and data.count(b"\n", 0, at) + 1 == piece.first_line and at <= covered
        ]
        assert fitting
        covered = max(covered, fitting[-1] + len(piece.data))
        assert len(piece.data) <= LONG_LINE_BYTES
    assert covered == len(data)


@given(data=SHAPES)
@example(data=b"a" * PIECE_BYTES + b"\n" * 20_000)
@example(data=(b"a" * 3500 + b"\n" * 700) * 10)
@example(data=(b"\n" + b"a" * 3900) * 50)
def test_no_shape_of_text_multiplies_the_work(data: bytes) -> None:
    """Pieces hold at most a few times the text: no shape uses up the budget (SEC-9)."""
    written = sum(len(piece.data) for piece in pieces(Fragment(ORIGIN, 1, data)))
    assert written <= 4 * len(data)


def test_a_long_key_is_a_piece_of_its_own() -> None:
    """A private key longer than the overlap is never cut."""
    dashes = b"-" * 5
    body = b"\n".join(secrets.token_hex(32).encode() for _ in range(100))
    name = b"RSA PRIVATE " + b"KEY"
    key = dashes + b"BEGIN " + name + dashes + b"\n" + body + b"\n" + dashes + b"END " + name + dashes
    data = b"text\n" * 700 + key + b"\ntext" * 700
    found = [piece for piece in pieces(Fragment(ORIGIN, 5, data)) if key in piece.data]
    assert found[-1] == Fragment(ORIGIN, 5 + 700, key)


def bundles(directory: Path, most: int = 10_000_000) -> Bundles:
    return Bundles(directory, lambda: secrets.token_hex(20).encode(), most)


def test_every_bundle_ends_in_its_own_canary(tmp_path: Path) -> None:
    """No two bundles share a canary, so a bundle that was not read is missed (SEC-2)."""
    made = bundles(tmp_path)
    made.write(Fragment(ORIGIN, 1, b"line %d\n" % number * 30) for number in range(100))
    files = sorted(tmp_path.iterdir())
    assert len(files) > 5
    assert {file.name for file in files} == set(made.canaries)
    assert len(set(made.canaries.values())) == len(files)
    assert all(file.read_bytes().endswith(b"\n" + made.canaries[file.name] + b"\n") for file in files)
    assert made.bytes_written == sum(file.stat().st_size for file in files)


def test_an_empty_push_has_a_canary_too(tmp_path: Path) -> None:
    """With nothing to scan the engine must still show that it works."""
    made = bundles(tmp_path)
    made.write(())
    assert len(made.canaries) == 1


def test_no_bundle_exceeds_what_the_engine_reads_at_once(tmp_path: Path) -> None:
    """gitleaks reads 100,000 bytes at a time; a bundle never reaches that."""
    made = bundles(tmp_path)
    made.write([Fragment(ORIGIN, 1, lines_of([200_000, 10, 3_900, 3_900])), Fragment(ORIGIN, 1, b"x" * 59_999)])
    assert max(file.stat().st_size for file in tmp_path.iterdir()) < 100_000


def test_too_much_is_a_refusal(tmp_path: Path) -> None:
    """Over the budget nothing is left out: the scan is refused with the setting to raise (SEC-9)."""
    with pytest.raises(BudgetExceeded, match="ORCH_SECURITY_MAX_BYTES"):
        bundles(tmp_path, most=5_000).write([Fragment(ORIGIN, 1, b"line\n" * 2_000)])


def test_a_line_is_found_again(tmp_path: Path) -> None:
    """From the bundle and line that an engine names back to the file and its line."""
    wanted = {secrets.token_hex(20).encode(): (f"{number}.txt", number + 7) for number in range(40)}
    made = bundles(tmp_path)
    made.write(
        Fragment(Origin("file", path, "", path), 1, b"text\n" * (line - 1) + secret + b"\nmore\n")
        for secret, (path, line) in wanted.items()
    )
    seen = set()
    for file in tmp_path.iterdir():
        for number, text in enumerate(file.read_bytes().split(b"\n"), 1):
            for said in (number - 1, number, number + 1) if text in wanted else ():
                place = made.locate(file.name, said, text)
                assert place is not None
                fragment, offset = place
                assert (fragment.origin.path, fragment.first_line + offset) == wanted[text]
                seen.add(text)
    assert seen == set(wanted)


def test_a_place_outside_is_nowhere(tmp_path: Path) -> None:
    """A line that belongs to no fragment, or to no bundle, has no place."""
    made = bundles(tmp_path)
    made.write([Fragment(ORIGIN, 1, b"one line")])
    [name] = made.canaries
    assert made.locate(name, 500, b"") is None
    assert made.locate("another", 1, b"") is None


def test_a_match_across_two_fragments_is_known(tmp_path: Path) -> None:
    """What only arises from two neighbours in a bundle is recognised by what stands between."""
    made = bundles(tmp_path)
    made.write([Fragment(ORIGIN, 1, b"password:"), Fragment(ORIGIN, 1, b"something")])
    [file] = tmp_path.iterdir()
    content = file.read_bytes()
    assert made.runs_over(content[content.index(b"password") : content.index(b"something")])
    assert not made.runs_over(b"password:")


def test_fragments_can_be_looked_at_apart(tmp_path: Path) -> None:
    """A bundle in which a match ran over an end is written again, each fragment on its own."""
    (tmp_path / "together").mkdir()
    (tmp_path / "apart").mkdir()
    made, apart = bundles(tmp_path / "together"), bundles(tmp_path / "apart")
    texts = [b"first " * 400, b"second", b"third"]
    made.write(Fragment(ORIGIN, 1, text) for text in texts)
    for name in made.canaries:
        made.write_apart(name, apart)
    contents = [file.read_bytes() for file in (tmp_path / "apart").iterdir()]
    assert len(contents) == len(texts)
    assert all(sum(text in content for text in texts) == 1 for content in contents)
    assert all(any(text in content for content in contents) for text in texts)
