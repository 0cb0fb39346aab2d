"""Hugging Face: what a repository holds, and which of it is wanted.

    hf:owner/name                          a diffusers folder, or the repository's only file
    hf:owner/name/folder/x.safetensors     one file of it
    hf:owner/name@revision/...             of a branch, tag or commit instead of main

The answer of `/api/models/ID/revision/REV?blobs=true` says each file's size and digest: the sha256
of a large one (`lfs`), what git calls a small one (`blobId`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from generation.sources.choosing import chosen
from generation.sources.faults import NotAllowedThere, NotFoundThere, Unreached
from generation.sources.fetching import Digest, RemoteFile
from generation.sources.places import Places, bearer
from generation.sources.release import Release, SearchResult
from generation.sources.replies import items, number, table, text, yes
from generation.sources.web import Web

NAME = "Hugging Face"
MAIN = "main"


class HuggingFace:
    """The API, as far as models need it.  What a repository holds is asked once."""

    def __init__(self, web: Web, places: Places) -> None:
        self._web, self._base = web, places.huggingface
        self._who = bearer(places.huggingface_token)
        self._asked: dict[tuple[str, str], Mapping[str, object]] = {}

    def release(self, repository: str, path: str = "", revision: str = MAIN) -> Release:
        """What the id means.  Raises SourceFailed."""
        said = self._said(repository, revision)
        siblings = {text(one, "rfilename"): one for one in items(said, "siblings")}
        called = f"hf:{repository}" + (f"@{revision}" if revision != MAIN else "")
        choice = chosen(tuple(siblings), path, repository, called)
        commit = text(said, "sha") or revision
        card = table(said, "cardData")
        tags = [tag for tag in items(said, "tags") if isinstance(tag, str)]
        return Release(
            source=f"{called}/{path}".rstrip("/"),
            page=f"{self._base}/{repository}",
            files=tuple(
                self._file(repository, commit, there, where, siblings[there])
                for there, where in choice.paths
            ),
            folder=choice.folder,
            is_folder=choice.is_folder,
            licence=text(card, "license_name") or text(card, "license") or _tag(tags, "license:"),
            base_model=_first(card.get("base_model")),
            triggers=tuple(filter(None, [text(card, "instance_prompt")])),
        )

    def search(self, words: str, limit: int) -> list[SearchResult]:
        """Models of pictures that it names for the words, those that most people fetch first."""
        answer = self._web.read_json(
            f"{self._base}/api/models",
            params={
                "search": words,
                "sort": "downloads",
                "limit": limit,
                "full": "true",
                "filter": "diffusers",
            },
            headers=self._who,
        )
        return [
            SearchResult(
                source=f"hf:{text(one, 'id')}",
                title=text(one, "id").rpartition("/")[2],
                kind=text(one, "pipeline_tag"),
                licence=_tag([t for t in items(one, "tags") if isinstance(t, str)], "license:"),
                downloads=number(one, "downloads"),
                note="ask for access on its page first" if yes(one, "gated") else "",
            )
            for one in items(answer)
            if text(one, "id")
        ]

    def _said(self, repository: str, revision: str) -> Mapping[str, object]:
        key = (repository, revision)
        if key not in self._asked:
            address = f"{self._base}/api/models/{quote(repository)}/revision/{quote(revision, '')}"
            try:
                answer = self._web.read_json(address, params={"blobs": "true"}, headers=self._who)
            except NotFoundThere:
                raise NotFoundThere(
                    f"{NAME} has no {repository} (or it is private, and needs a token)."
                ) from None
            except NotAllowedThere:
                raise NotAllowedThere(self._gate(repository)) from None
            if not isinstance(answer, Mapping):
                raise Unreached(f"{NAME} answers with something that is not understood.")
            self._asked[key] = answer
        return self._asked[key]

    def _gate(self, repository: str) -> str:
        return (
            f"{repository} is gated: accept its licence at {self._base}/{repository}, and set "
            "huggingface_token in config.toml to a token of that account."
        )

    def _file(
        self, repository: str, commit: str, there: str, where: str, said: object
    ) -> RemoteFile:
        large = table(said, "lfs")
        sha256, blob = text(large, "sha256"), text(said, "blobId")
        digest = Digest(kind="sha256", value=sha256) if sha256 else None
        if digest is None and blob:
            digest = Digest(kind="git", value=blob)
        return RemoteFile(
            path=where,
            address=f"{self._base}/{quote(repository)}/resolve/{quote(commit, '')}/{quote(there)}",
            size=number(large, "size") if sha256 else number(said, "size"),
            digest=digest,
            headers=self._who,
        )


def _tag(tags: list[str], prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def _first(said: object) -> str | None:
    found = said[0] if isinstance(said, list) and said else said
    return found if isinstance(found, str) and found else None
