"""The production WSGI server: gunicorn with threads, on our listener and log; built after fork."""

import logging
import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

KEEP_ALIVE_SECONDS = 75
GRACEFUL_SECONDS = 25
BACKLOG = 1024

_UNREADABLE = "a request that is not HTTP was refused"

WsgiApp = Callable[..., Any]


class AddressTaken(Exception):
    """Something else listens on the host and port, or the host is not ours."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that a child process may inherit; port 0 takes a free one. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        raise AddressTaken(f"cannot listen on {host}:{port}: {fault.strerror}") from fault
    listener.set_inheritable(True)
    return listener


def serve(build: Callable[[], WsgiApp], listener: socket.socket, *, workers: int, threads: int) -> None:
    """Serve until SIGTERM or SIGINT: then take no more, finish what is under way, end.

    `build` runs once in each worker, after fork, so that no connection or thread is shared between workers.
    A worker that dies is replaced.
    """
    _Server(build, listener, workers, threads).run()


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log as part of ours: no handlers of its own, and no line for each request."""

    def setup(self, cfg: Config) -> None:
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.disabled = True

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """A request that is not HTTP is told without what gunicorn quotes of it: that may be a key."""
        super().warning(_UNREADABLE if msg.startswith("Invalid request") else msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """A failure below the application is told without the address that was asked for."""
        if str(msg).startswith("Error handling request"):
            msg, args = "a request failed below the application", ()
        super().exception(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """The application logs its requests itself."""


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(
        self, build: Callable[[], WsgiApp], listener: socket.socket, workers: int, threads: int
    ) -> None:
        self._build = build
        self._settings: dict[str, Any] = {
            "bind": [f"fd://{listener.fileno()}"],
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "logger_class": _Log,
            "control_socket_disable": True,
            "proc_name": "recourse-web",
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApp:
        return self._build()
