"""Files scanned beside the reading of the next ones: native code needs no interpreter while it matches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

from orch_gates.errors import OrchError
from orch_gates.scanners.worker.hits import HitCollector

_File: TypeAlias = tuple[str, str, bytes]
_THREADS = 2
# A range with less is scanned sooner than threads are started.
_FIRST_BYTES = 300_000
_CHUNK_BYTES = 100_000
# What waits is held in memory; with more than this the reader waits, too.
_MOST_WAITING = 8_000_000


class Files:
    """Scans files in threads, each with a collector of its own; `finish` puts all of it into the given one.

    The versions of one file go to one thread, one after another.
    """

    def __init__(self, collector: HitCollector, another: Callable[[], HitCollector]) -> None:
        self._own, self._another = collector, another
        self._first: list[_File] = []
        self._size = 0
        self._threads: list[_Scanning] = []

    def add(self, oid: str, path: str, data: bytes) -> None:
        """Scan a file, now or soon.

        Raises:
            OrchError: scanning failed, this file or one before it.
        """
        if self._threads:
            self._threads[hash(path) % _THREADS].give((oid, path, data))
            return
        self._first.append((oid, path, data))
        self._size += len(data)
        if self._size > _FIRST_BYTES:
            self._threads = [_Scanning(self._another()) for _ in range(_THREADS)]
            for file in self._first:
                self.add(*file)

    def finish(self) -> None:
        """Wait for everything that was added.

        Raises:
            OrchError: scanning failed.
        """
        if not self._threads:
            for file in self._first:
                self._own.file(*file)
        for thread in self._threads:
            thread.end()
        for thread in self._threads:
            self._own.take(thread.result())


class _Scanning(threading.Thread):
    def __init__(self, collector: HitCollector) -> None:
        super().__init__(daemon=True)
        self._collector = collector
        self._waiting: queue.SimpleQueue[list[_File]] = queue.SimpleQueue()
        self._room = threading.Semaphore(_MOST_WAITING // _CHUNK_BYTES)
        self._chunk: list[_File] = []
        self._size = 0
        self._error: OrchError | MemoryError | None = None
        self.start()

    def give(self, file: _File) -> None:
        self._chunk.append(file)
        self._size += len(file[2])
        if self._size >= _CHUNK_BYTES:
            self._send()

    def end(self) -> None:
        self._send()
        self._waiting.put([])

    def result(self) -> HitCollector:
        self.join()
        if self._error is not None:
            raise self._error
        return self._collector

    def _send(self) -> None:
        if self._error is not None:
            raise self._error
        # A large file takes as much of the room as it has chunks.
        for _ in range(min(self._size // _CHUNK_BYTES, _MOST_WAITING // _CHUNK_BYTES)):
            self._room.acquire()
        self._waiting.put(self._chunk)
        self._chunk, self._size = [], 0

    def run(self) -> None:
        while chunk := self._waiting.get():
            try:
                if self._error is None:
                    for file in chunk:
                        self._collector.file(*file)
            except (OrchError, MemoryError) as error:
                self._error = error
            except BaseException as error:  # noqa: BLE001 - a bug here must not end as a scan that found nothing
                self._error = OrchError(f"a bug while scanning: {type(error).__name__}: {error}")
            size = sum(len(data) for _, _, data in chunk)
            for _ in range(min(size // _CHUNK_BYTES, _MOST_WAITING // _CHUNK_BYTES)):
                self._room.release()
