"""How much memory this process took at the most."""

import re
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

STATUS = Path("/proc/self/status")


def peak_megabytes() -> float:
    """Resident megabytes at their peak.

    Where there is /proc, as it says: the figure of getrusage is also that of the parent before the program
    was started.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return int(found[1]) / 1024 if found else getrusage(RUSAGE_SELF).ru_maxrss / 1024
