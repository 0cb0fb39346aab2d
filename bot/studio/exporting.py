"""Exporting: everything that is a person's, as zip files that fit into messages.

    facts/<table>-<n>.json    their rows, as the register of what is personal names them
    pictures/<number>.png     what was drawn for them, with its recipe in it
    uploads/<sha256>          what they sent to start from

Invariant: no file is larger than the limit; what alone is larger is named in `left-out.txt`.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from generation.job import UserId
from generation.media.table import medium_of
from generation.recipe import Sha256
from storage.database import Row
from storage.errors import DamagedFile, Missing
from storage.stores import Stores

ROWS = 1000  # in a file of facts
ROOM = 64 * 1024  # bytes for the zip's own list


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPart:
    """One zip file, and the number of the last picture that is in it or before it."""

    name: str
    data: bytes
    up_to: int


class Exports:
    """Puts together what is a person's."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def parts(
        self, person: UserId, names: Sequence[str], *, first: int, limit: int
    ) -> AsyncGenerator[ExportPart, None]:
        """One after the other; `first`: the number of the picture to begin with, 0 with the facts.

        `limit`: bytes of a part.
        """
        packed, number, up_to = _Zip(), 0, first
        async for name, data, picture in self._entries(person, names, first):
            if len(data) + ROOM > limit:
                name, data = f"left-out-{name.replace('/', '-')}.txt", b"too large for a message"
            if packed.size + len(data) + ROOM > limit and packed.size:
                number += 1
                yield packed.part(number, up_to)
                packed = _Zip()
            packed.add(name, data)
            up_to = max(up_to, picture)
        if packed.size:
            yield packed.part(number + 1, up_to)

    async def _entries(
        self, person: UserId, names: Sequence[str], first: int
    ) -> AsyncIterator[tuple[str, bytes, int]]:
        rows = await self._stores.erasures.rows_of(person)
        if not first:
            yield "facts/person.json", _json({"id": str(person), "names": list(names)}), 0
            for table, found in rows.items():
                for name, data in _facts(table, found):
                    yield name, data, 0
            uploads = {row["sha256"] for row in rows["recipe_inputs"]}
            for digest in sorted(uploads - {row["png_sha256"] for row in rows["pictures"]}):
                if await self._stores.tickets.first_user(Sha256(digest)) != person:
                    continue  # somebody else sent it
                if (kept := await self._file(digest)) is not None:
                    yield f"uploads/{digest}", kept, 0
        for row in sorted(rows["pictures"], key=lambda row: int(row["id"])):
            if row["id"] < first or row["deleted"]:
                continue
            if (kept := await self._file(row["png_sha256"])) is not None:
                picture = await self._stores.pictures.get(row["id"])
                suffix = medium_of(picture.recipe).suffix_for(kept)
                yield f"pictures/{row['id']}{suffix}", kept, int(row["id"])

    async def _file(self, digest: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._stores.files.read, Sha256(digest))
        except (Missing, DamagedFile):
            return None


class _Zip:
    def __init__(self) -> None:
        self._buffer, self.size = io.BytesIO(), 0
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED)

    def add(self, name: str, data: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
        self.size = self._buffer.tell()

    def part(self, number: int, up_to: int) -> ExportPart:
        self._zip.close()
        data = self._buffer.getvalue()
        return ExportPart(name=f"atelier-{number}.zip", data=data, up_to=up_to)


def _facts(table: str, rows: Sequence[Row]) -> Iterator[tuple[str, bytes]]:
    for number, at in enumerate(range(0, len(rows), ROWS), 1):
        yield f"facts/{table}-{number}.json", _json([dict(r) for r in rows[at : at + ROWS]])


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace")
