"""Somebody who edits in the browser has no clone: what they are told can be done where they are (SEC-5)."""

from __future__ import annotations

from tests.builders import github_token
from tests.e2e.repository import Repository


def test_a_secret_in_the_web_editor_is_taken_out_there(repository: Repository) -> None:
    """Nothing is stored, and the same file without the secret is saved."""
    repository.install_hook()
    before, token = repository.tip(), github_token()
    refused = repository.write("settings.txt", f"token = {token}\n")
    assert (refused.status, repository.tip()) == (403, before)
    message = str(refused.json["message"])
    assert "in the web editor, take it out of what you wrote and save again" in " ".join(message.split())
    assert "git commit" not in message
    assert token not in message
    repository.write("settings.txt", "token = from the environment\n").ok()
