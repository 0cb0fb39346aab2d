"""ModelScope: what a repository holds, and which of it is wanted.

    ms:owner/name[@revision][/file]        the usual branch there is called master

Its list of files says the sha256 of each.  A token is a cookie for files, and a
bearer's for search.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from generation.sources.choosing import chosen
from generation.sources.faults import NotFoundThere, Unreached
from generation.sources.fetching import Digest, RemoteFile
from generation.sources.places import Places, bearer
from generation.sources.release import Release, SearchResult
from generation.sources.replies import items, number, table, text
from generation.sources.web import Web

NAME = "ModelScope"
MASTER = "master"
CUT_AT = 3000  # files, after which its list ends without a word


class ModelScope:
    """The API, as far as models need it.  What a repository holds is asked once."""

    def __init__(self, web: Web, places: Places) -> None:
        self._web, self._base = web, places.modelscope
        token = places.modelscope_token
        self._who = {"Cookie": f"m_session_id={token}"} if token else {}
        self._searcher = bearer(token)
        self._asked: dict[tuple[str, str], Mapping[str, object]] = {}

    def release(self, repository: str, path: str = "", revision: str = MASTER) -> Release:
        """What the id means.  Raises SourceFailed."""
        files = self._files(repository, revision)
        called = f"ms:{repository}" + (f"@{revision}" if revision != MASTER else "")
        if path not in files and len(files) >= CUT_AT:
            raise Unreached(f"{called} has more files than {NAME} lists: name one of the first.")
        choice = chosen(tuple(files), path, repository, called)
        said = table(self._data(f"/api/v1/models/{quote(repository)}"), "Data")
        return Release(
            source=f"{called}/{path}".rstrip("/"),
            page=f"{self._base}/models/{repository}",
            files=tuple(
                self._file(repository, revision, there, where, files[there])
                for there, where in choice.paths
            ),
            folder=choice.folder,
            is_folder=choice.is_folder,
            licence=text(said, "License") or None,
        )

    def search(self, words: str, limit: int) -> list[SearchResult]:
        """Models that it names for the words."""
        answer = self._web.read_json(
            f"{self._base}/openapi/v1/models",
            params={"search": words, "page_number": 1, "page_size": limit},
            headers=self._searcher,
        )
        return [
            SearchResult(
                source=f"ms:{name}",
                title=name.rpartition("/")[2],
                licence=text(one, "license"),
                downloads=number(one, "downloads"),
            )
            for one in items(table(answer, "data"), "models")
            if (name := text(one, "id") or text(one, "path"))
        ]

    def _data(self, way: str, **params: str) -> object:
        try:
            answer = self._web.read_json(f"{self._base}{way}", params=params, headers=self._who)
        except NotFoundThere:
            raise NotFoundThere(f"{NAME} has nothing of that name.") from None
        if isinstance(answer, Mapping) and answer.get("Success") is False:
            raise NotFoundThere(f"{NAME} says: {text(answer, 'Message') or 'no'}"[:300])
        return answer

    def _files(self, repository: str, revision: str) -> Mapping[str, object]:
        key = (repository, revision)
        if key not in self._asked:
            way = f"/api/v1/models/{quote(repository)}/repo/files"
            said = self._data(way, Revision=revision, Recursive="True")
            listed = items(table(said, "Data"), "Files")
            self._asked[key] = {text(o, "Path"): o for o in listed if text(o, "Type") != "tree"}
        return self._asked[key]

    def _file(
        self, repository: str, revision: str, there: str, where: str, said: object
    ) -> RemoteFile:
        sha256 = text(said, "Sha256")
        query = urlencode({"Revision": revision, "FilePath": there})
        return RemoteFile(
            path=where,
            address=f"{self._base}/api/v1/models/{quote(repository)}/repo?{query}",
            size=number(said, "Size"),
            digest=Digest(kind="sha256", value=sha256) if sha256 else None,
            headers=self._who,
        )
