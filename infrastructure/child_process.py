"""Child processes that do not outlive their parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(request: signal.Signals) -> Callable[[], None] | None:
    """What a child runs between fork and exec to be sent `request` when its parent ends, even by SIGKILL.

    The kernel means the parent's thread: start children in one that lives as long as they shall. Linux alone
    can do it; elsewhere this is None, and what is left is found at the next start.
    """
    libc, parent = _LIBC, os.getpid()
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, request, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return ask
