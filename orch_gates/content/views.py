"""Readable views of an object's bytes, and of text that is encoded in them: what a scanner must be shown (SEC-3)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from orch_gates.content.pieces import PIECE_BYTES, Piece, kept, plain

# A credential is a run of printable ASCII; the shortest that any known rule accepts is longer.
SHORTEST_RUN = 8
# A repeated group keeps a record of each turn: 22 million turns were 1.5 GB.
_LONGEST_RUN = 20_000

_PRINTABLE = rb"[\t\n\r\x20-\x7e]"
_UNITS = (
    (_PRINTABLE, 0, 1),
    (rb"%s\0" % _PRINTABLE, 0, 2),
    (rb"\0%s" % _PRINTABLE, 1, 2),
    (rb"%s\0\0\0" % _PRINTABLE, 0, 4),
    (rb"\0\0\0%s" % _PRINTABLE, 3, 4),
)
# How a run begins, and how one that is longer than what is taken at once goes on.
_ENCODINGS = tuple(
    (
        re.compile(rb"(?:%s){%d,%d}" % (unit, SHORTEST_RUN, _LONGEST_RUN)),
        re.compile(rb"(?:%s){1,%d}" % (unit, _LONGEST_RUN)),
        first,
        step,
    )
    for unit, first, step in _UNITS
)

_HEX = re.compile(rb"[0-9A-Fa-f]{2}")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"\\(?:x|u00|u\{(?:00)?|U000000)([0-9A-Fa-f]{2})\}?")
_ARRAY = re.compile(rb"0x([0-9A-Fa-f]{2})")
_ENTITY = re.compile(rb"&#(?:x([0-9A-Fa-f]{2})|([0-9]{2,3}));")


def views(data: bytes) -> Iterator[Piece]:
    """The object as pieces of text: itself, or, where it holds NUL bytes, every printable run in it.

    Runs are looked for as ASCII, UTF-16 and UTF-32 of both byte orders and at any alignment, with or without a
    byte order mark, because scanners pass over all of these. Runs follow one another on lines of their own, so
    that a key whose lines are strings of a program is read as one.
    """
    if b"\0" not in data:
        yield from plain(data)
        return
    for begins, goes_on, first, step in _ENCODINGS:
        yield from _pieces(_runs(data, begins, goes_on), first, step)


def _runs(data: bytes, begins: re.Pattern[bytes], goes_on: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    match = begins.search(data)
    while match is not None:
        yield match
        end = match.end()
        match = goes_on.match(data, end) or begins.search(data, end)


def _pieces(runs: Iterator[re.Match[bytes]], first: int, step: int) -> Iterator[Piece]:
    text = bytearray()
    anchors: list[tuple[int, int]] = []
    ended = -1
    for match in runs:
        if anchors and match.start() != ended:
            text += b"\n"
        anchors.append((len(text), match.start()))
        text += match.group()[first::step]
        ended = match.end()
        if len(text) >= PIECE_BYTES:
            piece = Piece(bytes(text), tuple(anchors), step)
            yield piece
            text, anchors = _rest(piece)
    if text:
        yield Piece(bytes(text), tuple(anchors), step)


def _rest(piece: Piece) -> tuple[bytearray, list[tuple[int, int]]]:
    """What the next piece repeats of this one."""
    start = len(piece.data) - kept(piece.data)
    later = [(at - start, origin) for at, origin in piece.anchors if at > start]
    return bytearray(piece.data[start:]), [(0, piece.origin(start)), *later]


def decode(rule: str, text: bytes) -> bytes:
    """The bytes that a run of encoded text spells; each helper rule names one encoding."""
    match rule:
        case "decode-hex":
            return bytes.fromhex(b"".join(_HEX.findall(text)).decode("ascii"))
        case "decode-base64":
            digits = text.rstrip(b"=")
            # A last digit alone spells nothing.
            digits = digits[: len(digits) - (len(digits) % 4 == 1)]
            return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
        case "decode-percent":
            return _PERCENT.sub(_byte, text)
        case "decode-escape":
            return _ESCAPE.sub(_byte, text)
        case "decode-array":
            return bytes(int(digits, 16) for digits in _ARRAY.findall(text))
        case "decode-entity":
            return _ENTITY.sub(lambda found: _byte(found) if found[1] else bytes((int(found[2]) & 255,)), text)
        case _:
            raise ValueError(f"{rule} is no helper rule")


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))
