"""The digest of a program, taken while the program runs: hashing 20 MB costs more than a small scan."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from orch_gates.errors import ScannerError


class FileDigest(threading.Thread):
    """Starts hashing a file at once; `result` waits for the end."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._answer = ""
        self.start()

    def run(self) -> None:
        """Hash the file."""
        try:
            with self._path.open("rb") as file:
                self._answer = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            self._answer = ""

    def result(self) -> str:
        """The SHA-256 of the file.

        Raises:
            ScannerError: it could not be read, so the evidence would not say what judged.
        """
        self.join()
        if not self._answer:
            raise ScannerError(f"{self._path} cannot be read")
        return self._answer
