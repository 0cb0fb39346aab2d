"""Gives the catalog's weights to the nodes of the cluster, by digest, to those with the token.

    GET /weights/<sha256 of a checkpoint, LoRA, ...>   the list of its files
    GET /files/<sha256 of a file>                      its bytes; Range goes on after a cut

The invariant: what is asked for is a digest, never a path, and only files that the catalog lists
are given out.  Whoever fetches proves the bytes by their digest.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from pathlib import Path

from aiohttp import web

from generation.catalog.catalog import Catalog
from generation.catalog.digests import Digests
from generation.errors import UnusableWeights
from generation.fleet import doors
from generation.fleet.cluster import manifest
from generation.fleet.cluster.source import WeightsAddress
from generation.recipe import Sha256

log = logging.getLogger(__name__)

CONNECTIONS = 256  # a node has a few


class WeightsServer:
    """A small web server.  `port` 0: any free one."""

    def __init__(self, catalog: Catalog, digests: Path, *, port: int = 0) -> None:
        self._catalog, self._digests, self._port = catalog, Digests(digests), port
        self._token = secrets.token_urlsafe(32)
        self._files: dict[str, Path] = {}  # of the lists that were given out, by digest
        self.given = 0  # files, for logs and tests
        self._door: WeightsAddress | None = None
        self._opening = asyncio.Lock()
        self._runner: web.ServerRunner | None = None

    async def open(self, host: str) -> WeightsAddress:
        """Listen at this address of the machine; called again, it is the same door.

        Raises OSError when the port is taken.
        """
        async with self._opening:
            if self._door is None:
                answering = doors.Door(self._answer, connections=CONNECTIONS)
                self._runner, port = await doors.listening(answering, host, self._port)
                self._door = WeightsAddress(url=f"http://{host}:{port}", token=self._token)
                log.info("nodes fetch weights from %s", self._door.url)
            return self._door

    async def close(self) -> None:
        """Give out nothing more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        # As bytes: what is no ASCII is a wrong token, and no reason to stumble.
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise web.HTTPUnauthorized
        asked = re.fullmatch(r"/(weights|files)/([0-9a-f]{64})", request.path)
        if asked is None:
            raise web.HTTPNotFound
        if request.method not in ("GET", "HEAD"):
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
        answer = self._list if asked[1] == "weights" else self._file
        return await answer(Sha256(asked[2]))

    async def _list(self, wanted: Sha256) -> web.StreamResponse:
        found = await asyncio.to_thread(self._find, wanted)
        if found is None:
            raise web.HTTPNotFound
        return web.json_response(text=manifest.dump(found))

    def _find(self, wanted: Sha256) -> manifest.Manifest | None:
        for entry in self._catalog.entries():
            if entry.weights.sha256 != wanted:
                continue
            try:
                found = manifest.of(entry.path, self._digests)
            except (UnusableWeights, OSError):
                continue
            if manifest.digest(found) == wanted:  # it may have been changed since it was listed
                home = manifest.home_of(entry.path)
                self._files |= {part.sha256: home / part.path for part in found.parts}
                return found
        return None

    async def _file(self, wanted: Sha256) -> web.StreamResponse:
        path = self._files.get(wanted)
        if path is None or not path.is_file():
            raise web.HTTPNotFound
        self.given += 1
        return web.FileResponse(path)
