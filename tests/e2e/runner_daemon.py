"""A test runner: takes the server's tasks and runs each as a job, until it is ended."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from pathlib import Path

from tests.e2e.runner_job import Job, Settings
from tests.e2e.runner_protocol import Server

LABEL = "ubuntu-latest"
_AT_ONCE = 2
_ASK_S = 0.2


def _run(job: Job, free: threading.Semaphore) -> None:
    try:
        job.run()
    finally:
        free.release()


def main() -> None:
    """Serve with the settings in the file that is named, which holds the registration token and is removed."""
    path = Path(sys.argv[1])
    given = json.loads(path.read_text())
    path.unlink()
    server = Server(given["url"])
    server.register(given["token"], "test-runner", [LABEL])
    settings = Settings(given["act"], given["env"], Path.cwd(), Path(given["kept"]))
    free = threading.Semaphore(_AT_ONCE)
    while True:
        free.acquire()
        try:
            task = server.fetch()
        except (OSError, AssertionError):
            # Written down; what is due is asked for again.
            traceback.print_exc()
            task = None
        if task is None:
            free.release()
            time.sleep(_ASK_S)
        else:
            threading.Thread(target=_run, args=(Job(server, task, settings), free), daemon=True).start()


if __name__ == "__main__":
    main()
