"""The recording in the README is what the program prints today, and a picture that needs nothing from elsewhere."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.cast_svg import svg
from scripts.recording import CAST, PICTURE, TITLE, cast, read, record, without_ids

EVENTS = read(CAST.read_text("utf-8"))


@pytest.mark.slow
def test_the_recording_is_a_real_run_of_the_program(tmp_path: Path) -> None:
    """Played again, the same is printed, but for ids; `python -m scripts.recording` makes it anew."""
    assert without_ids(record(tmp_path)) == without_ids(EVENTS)


def test_the_file_is_an_asciicast() -> None:
    """A player shows what the picture shows."""
    assert cast(EVENTS) == CAST.read_text("utf-8")


def test_the_picture_is_drawn_from_the_recording() -> None:
    """Nobody edits it by hand."""
    assert svg(EVENTS, TITLE) == PICTURE.read_text("utf-8")


def test_the_picture_takes_nothing_from_elsewhere() -> None:
    """A forge shows it under a policy that lets nothing be fetched or run."""
    text = PICTURE.read_text("utf-8")
    assert re.findall(r"\w+://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert re.search(r"url\(|@import|@font-face|href|<script|\bon\w+=", text) is None
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
    assert tags == {"svg", "title", "style", "rect", "circle", "g", "text"}


def test_the_picture_is_short_and_may_stand_still() -> None:
    """It plays for less than 25 seconds, and does not move for those who want that."""
    text = PICTURE.read_text("utf-8")
    (length,) = set(re.findall(r"([\d.]+)s step-end infinite", text))
    assert EVENTS[-1].at < float(length) < 25
    assert text.index("prefers-reduced-motion:no-preference") < text.index("@keyframes")


def test_no_key_is_in_the_recording() -> None:
    assert re.search(r"ghp_\w{10}", CAST.read_text("utf-8") + PICTURE.read_text("utf-8")) is None
