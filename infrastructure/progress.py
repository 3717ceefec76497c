"""How far long work is: a bar in a terminal, a line for each tenth elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Done = Callable[[int, int], None]
"""Called with how much is done by now, and of how much."""


@contextmanager
def progress(console: Console, what: str) -> Iterator[Done]:
    """Show the progress of the work inside; `what` names it."""
    began = monotonic()
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield _Lines(console, what)
    if not console.is_terminal:
        console.print(f"{what}: done in {monotonic() - began:.1f} s", highlight=False)


class _Lines:
    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else 0
        if tenths > self._said:
            self._said = tenths
            self._console.print(f"{self._what}: {done:,} of {total:,}", highlight=False)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
