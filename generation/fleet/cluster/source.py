"""Where a node fetches weights from: the bot's small server, by digest.

The invariant: a `read` yields the file's bytes from `start` on or raises; it never yields others.
Proxies are not asked: the bot is a neighbour.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from generation.recipe import Sha256

# The environment of a relay: not its command line, which every user of the machine can read.
URL, TOKEN = "WEIGHTS_URL", "WEIGHTS_TOKEN"

SILENCE = 30.0  # seconds without a byte until a connection counts as lost
BLOCK = 2**20
MAX_MANIFEST = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsAddress:
    """Where the bot gives weights out, and the token that opens it."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"WeightsAddress(url={self.url!r}, token=***)"


class NotThere(Exception):
    """The bot has no such weights."""


class Lost(Exception):
    """The bot did not answer, or the connection broke."""


class Source:
    """The bot's weights.  `token` opens them."""

    def __init__(self, url: str, token: str, *, silence: float = SILENCE) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token, self._silence = token, silence

    def manifest(self, sha256: Sha256) -> str:
        """The list of the files of these weights.  Raises NotThere, Lost."""
        with self._asked(f"/weights/{sha256}") as answer:
            if (answer.length or 0) > MAX_MANIFEST:
                raise Lost("it answers at great length")
            return answer.read().decode("utf-8", "replace")

    def read(self, sha256: Sha256, *, start: int) -> Iterator[bytes]:
        """The bytes of one file.  Raises NotThere, Lost."""
        with self._asked(f"/files/{sha256}", {"Range": f"bytes={start}-"}) as answer:
            if start and answer.status != 206:
                raise Lost("it does not go on in the middle of a file")
            while block := answer.read(BLOCK):
                yield block

    @contextmanager
    def _asked(
        self, path: str, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        given = {"Authorization": f"Bearer {self._token}", "Connection": "close"}
        link = http.client.HTTPConnection(self._host, self._port, timeout=self._silence)
        try:
            link.request("GET", path, headers=given | (headers or {}))
            with link.getresponse() as answer:
                if answer.status in (404, 416):  # 416: the file is shorter now, and so another one
                    raise NotThere(path)
                if answer.status not in (200, 206):
                    raise Lost(f"it answers {answer.status}")
                yield answer
        except (OSError, http.client.HTTPException) as error:
            raise Lost(str(error) or type(error).__name__) from error
        finally:
            link.close()
