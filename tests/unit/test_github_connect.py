"""Where the API of a GitHub is."""

from __future__ import annotations

import pytest

from orch_gates.forge.github.connect import api_url


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://GitHub.com/", "https://api.github.com"),
        ("https://www.github.com", "https://api.github.com"),
        ("https://api.github.com", "https://api.github.com"),
        ("https://octo.ghe.com", "https://api.octo.ghe.com"),
        ("https://api.octo.ghe.com/", "https://api.octo.ghe.com"),
        ("https://ghe.example.org", "https://ghe.example.org/api/v3"),
        ("https://ghe.example.org:8443/", "https://ghe.example.org:8443/api/v3"),
        ("https://ghe.example.org/api/v3", "https://ghe.example.org/api/v3"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000/api/v3"),
        ("https://github.com.example.org", "https://github.com.example.org/api/v3"),
    ],
)
def test_the_api_follows_from_the_page_that_people_open(url: str, api: str) -> None:
    """An Enterprise Server has it below its own name; a name that only looks like GitHub's is one of these."""
    assert api_url(url) == api
