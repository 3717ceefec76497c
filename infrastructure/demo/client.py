"""A small client of the HTTP API, as any integration would write one, on the standard library alone."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

TIMEOUT_SECONDS = 30.0
BUSY_SECONDS = 20.0
"""How long a request is repeated that the server was too busy or not ready to answer."""


class Refused(Exception):
    """The server answered with a problem; `status` is the HTTP status, `code` the problem's code."""

    def __init__(self, request: str, status: int, problem: Json) -> None:
        self.status = status
        self.code = str(problem.get("code", status))
        super().__init__(
            f"{request}: {status} {self.code} {problem.get('detail') or problem.get('title') or ''}"
        )


@dataclass
class Client:
    """Speaks to one server under the keys of `credentials` (name to API key); threads may share it."""

    url: str
    credentials: dict[str, str]
    _connections: threading.local = field(default_factory=threading.local)

    def get(self, name: str, path: str, **query: str | int) -> Json:
        """Read as the named holder of a key. Raises Refused."""
        target = f"{path}?{urlencode(query)}" if query else path
        return self._request(name, "GET", target, None, {})

    def post(
        self, name: str, path: str, body: Json, *, version: int | None = None, key: str | None = None
    ) -> Json:
        """Give a command as the named holder of a key, at a version of the case. Raises Refused."""
        headers = {"Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._request(name, "POST", path, json.dumps(body).encode(), headers)

    def _request(
        self, name: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Json:
        headers = headers | {
            "Authorization": f"Bearer {self.credentials[name]}",
            "Accept": "application/json",
        }
        give_up = time.monotonic() + BUSY_SECONDS
        while True:
            status, retry_after, answer = self._exchange(method, f"/api/v1{path}", body, headers)
            if status < 400:
                return answer
            if retry_after is None or time.monotonic() > give_up:
                raise Refused(f"{method} {path}", status, answer)
            time.sleep(float(retry_after))

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, str | None, Json]:
        connection = self._connection()
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError):
            connection.close()  # the next request opens it again
            raise
        return answer.status, answer.headers.get("Retry-After"), json.loads(text) if text else {}

    def _connection(self) -> HTTPConnection:
        found: HTTPConnection | None = getattr(self._connections, "one", None)
        if found is None:
            where = urlsplit(self.url)
            found = HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
            self._connections.one = found
        return found

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
