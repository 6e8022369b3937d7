"""Files scanned beside the reading of the next ones: native code needs no interpreter while it matches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

from orch_gates.errors import OrchError
from orch_gates.scanners.worker.hits import Collector

_File: TypeAlias = tuple[str, str, bytes]
_THREADS = 2
_CHUNK_BYTES = 200_000
# What waits is held in memory; with more than this the reader scans by itself.
_MOST_WAITING = 20_000_000


class Files:
    """Scans files in threads, each with a collector of its own; `finish` puts all of it into the given one."""

    def __init__(self, collector: Collector, another: Callable[[], Collector]) -> None:
        self._own, self._another = collector, another
        self._chunk: list[_File] = []
        self._size = 0
        self._waiting: queue.SimpleQueue[list[_File] | None] = queue.SimpleQueue()
        self._held = 0
        self._threads: list[_Scanning] = []

    def add(self, oid: str, path: str, data: bytes) -> None:
        """Scan a file, now or soon.

        Raises:
            OrchError: scanning failed, this file or one before it.
        """
        self._chunk.append((oid, path, data))
        self._size += len(data)
        if self._size >= _CHUNK_BYTES:
            self._dispatch()

    def finish(self) -> None:
        """Wait for everything that was added.

        Raises:
            OrchError: scanning failed.
        """
        for oid, path, data in self._chunk:
            self._own.text("file", oid, path, data)
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
            if thread.error is not None:
                raise thread.error
            self._own.take(thread.collector)

    def _dispatch(self) -> None:
        chunk, size = self._chunk, self._size
        self._chunk, self._size = [], 0
        if len(self._threads) < _THREADS:
            self._threads.append(_Scanning(self._waiting, self._another()))
        for thread in self._threads:
            if thread.error is not None:
                raise thread.error
        self._held += size
        if self._held - sum(thread.scanned for thread in self._threads) > _MOST_WAITING:
            self._held -= size
            for oid, path, data in chunk:
                self._own.text("file", oid, path, data)
        else:
            self._waiting.put(chunk)


class _Scanning(threading.Thread):
    def __init__(self, waiting: queue.SimpleQueue[list[_File] | None], collector: Collector) -> None:
        super().__init__(daemon=True)
        self.collector = collector
        self.scanned = 0
        self.error: OrchError | MemoryError | None = None
        self._waiting = waiting
        self.start()

    def run(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            try:
                for oid, path, data in chunk:
                    self.collector.text("file", oid, path, data)
                    self.scanned += len(data)
            except (OrchError, MemoryError) as error:
                self.error = error
                return
            except BaseException as error:  # noqa: BLE001 - a bug here must not end as a scan that found nothing
                self.error = OrchError(f"a bug while scanning: {type(error).__name__}: {error}")
                return
