"""`recourse bench`: ratios measured in one run, on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from infrastructure.bench import append
from infrastructure.commands.terminal import as_json, out, print_json, with_settings
from infrastructure.settings import Settings


@click.group()
def bench() -> None:
    """Measure saves, projections, HTTP and queue pages; each ratio in the same run."""
