"""Asking servers for JSON and for bytes: patient with busy ones, clear about those that refuse.

Invariant: who we are is said to the host that was asked, and never to another that it sends us to
(the library drops `Authorization` and `Cookie` when the origin changes).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from types import TracebackType

import httpx2

from generation.sources.faults import (
    NotAllowedThere,
    NotFoundThere,
    StoppedFetching,
    Unreached,
)

# The addresses that places send us to are signed: who has one may fetch, so none is logged.
logging.getLogger("httpx2").setLevel(logging.WARNING)

TRIES = 5
LONGEST_WAIT = 120.0  # seconds that a server may ask for
MAX_JSON = 64 * 2**20  # bytes of one answer
_BUSY = frozenset({429, 500, 502, 503, 504})


class Web:
    """A client of all places.  A context; `stop` ends every wait and transfer."""

    def __init__(
        self,
        *,
        stop: threading.Event | None = None,
        patience: float = 30.0,
        pause: float = 1.0,
    ) -> None:
        self.stop = stop or threading.Event()
        self._pause = pause
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(patience, connect=min(patience, 10.0)),
            follow_redirects=True,
            max_redirects=5,
            headers={"User-Agent": "atelier"},
        )

    def __enter__(self) -> Web:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def read_json(
        self,
        address: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        """What the address answers.  Raises SourceFailed."""
        with self.asking(address, params=params, headers=headers) as answer:
            text = b""
            try:
                for piece in answer.iter_bytes():
                    text += piece
                    if len(text) > MAX_JSON:
                        raise Unreached(f"{_host(answer)} answers with more than can be read.")
            except httpx2.HTTPError as error:
                raise Unreached(f"{_host(answer)} broke off while it answered.") from error
        try:
            return json.loads(text)
        except ValueError as error:
            raise Unreached(f"{_host(answer)} answers with something that is no JSON.") from error

    @contextmanager
    def asking(
        self,
        address: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx2.Response]:
        """The answer (200, 206 or 416), whose body is still to be read.  Raises SourceFailed."""
        request = self._client.build_request("GET", address, params=params, headers=headers)
        answer = self._answer(request)
        try:
            yield answer
        finally:
            answer.close()

    def wait(self, seconds: float) -> None:
        """Wait, unless it is to end.  Raises StoppedFetching."""
        if self.stop.wait(seconds):
            raise StoppedFetching("Stopped. What has come so far is kept, and goes on from there.")

    def pause_before(self, attempt: int) -> None:
        """Wait before the try of that number, longer each time."""
        self.wait(self._pause * 2**attempt)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        host, why = request.url.host, ""
        for attempt in range(TRIES):
            try:
                answer = self._client.send(request, stream=True)
            except httpx2.TooManyRedirects as error:
                raise Unreached(f"{host} sends us around in a circle.") from error
            except httpx2.HTTPError as error:
                why = type(error).__name__
                self.pause_before(attempt)
                continue
            if answer.status_code in _BUSY:
                why = f"it says {answer.status_code}"
                seconds = _asked_patience(answer)
                answer.close()
                if seconds is None:
                    self.pause_before(attempt)
                elif seconds > LONGEST_WAIT:
                    raise Unreached(f"{host} asks us to come back in {seconds / 60:.0f} minutes.")
                else:
                    self.wait(seconds)
                continue
            if answer.status_code in (200, 206, 416):
                return answer
            answer.close()
            raise _refusal(answer, host)
        raise Unreached(f"{host} does not answer ({why}). Try again later.")


def _refusal(answer: httpx2.Response, host: str) -> Exception:
    known = _REFUSALS.get(answer.status_code)
    if known is not None:
        return known(host)
    return Unreached(f"{host} answers with {answer.status_code}, which is not understood here.")


def _not_allowed(host: str) -> Exception:
    return NotAllowedThere(
        f"{host} does not give this to everybody: accept the model's licence on its page there if "
        "it has one, and set a token of yours in config.toml (docs/sources.md)."
    )


_REFUSALS: dict[int, Callable[[str], Exception]] = {
    401: _not_allowed,
    403: _not_allowed,
    451: _not_allowed,
    404: lambda host: NotFoundThere(f"{host} has nothing of that name."),
    410: lambda host: NotFoundThere(f"{host} has taken that away."),
}


def _asked_patience(answer: httpx2.Response) -> float | None:
    """The seconds of `Retry-After`, as a number or a date; None where it says neither."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.replace(".", "", 1).isdigit():
        return float(said)
    try:
        until = parsedate_to_datetime(said)
        now = parsedate_to_datetime(answer.headers["Date"])
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def _host(answer: httpx2.Response) -> str:
    return answer.request.url.host
