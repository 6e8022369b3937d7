"""What a server's hook runs in place of `orch-gates`: it has the zygote run that, and ends as it ends.

`python -I -S zygote_caller.py PROGRAM SOCKET ARGUMENT…`. Every push waits for it, so it imports nothing but what an
interpreter holds anyway. Where nobody answers at the socket, or only with a refusal, it becomes the program.
"""

import _socket
import _struct
import marshal
import os
import sys

# An answer is a line: the process, then its exit code.
_LINE = 64
_MOST = 100_000


def _code(program: str, door: str, arguments: list[str]) -> int | None:
    """The exit code of the program; None where the zygote does not run it."""
    # pathlib would be half of the time that all this takes.
    cwd = os.getcwd()  # noqa: PTH109
    call = marshal.dumps({"argv": [program, *arguments], "cwd": cwd, "env": dict(os.environ)})
    if len(call) > _MOST:
        return None
    zygote = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        zygote.connect(door)
        zygote.sendmsg([call], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _struct.pack("3i", 0, 1, 2))])
    except OSError:
        return None
    if not zygote.recv(_LINE):
        return None
    # No answer after it began: it was killed, and nobody knows how far it came.
    code = int(zygote.recv(_LINE) or 70)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    ended = _code(sys.argv[1], sys.argv[2], sys.argv[3:])
    if ended is None:
        os.execv(sys.argv[1], sys.argv[1:2] + sys.argv[3:])
    os._exit(ended)
