"""CivitAI: a version of a model by its page, its ids, its AIR or the hash of a file.

    civitai:MODEL     its newest version        civitai:MODEL@VERSION, civitai:@VERSION
    sha256:HASH       the version that has this file

What it says of a file (SHA256) is checked; its size is rounded there, and only good for guessing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from generation.catalog.heads import WRITTEN_AS
from generation.sources.faults import (
    NoSuchSource,
    NotAllowedThere,
    NotFoundThere,
    Unreached,
)
from generation.sources.fetching import Digest, RemoteFile
from generation.sources.known import family_of_base
from generation.sources.naming import CivitaiName
from generation.sources.places import Places, bearer
from generation.sources.release import Release, SearchResult
from generation.sources.replies import items, number, table, text, yes
from generation.sources.web import Web

NAME = "CivitAI"
_FOLDERS = {
    "Checkpoint": "checkpoints",
    "LORA": "loras",
    "LoCon": "loras",
    "DoRA": "loras",
    "TextualInversion": "embeddings",
    "VAE": "vae",
    "Controlnet": "controlnet",
    "Upscaler": "upscale_models",
}
_V_PREDICTION = re.compile(r"\bv[ -]?pred", re.IGNORECASE)


class Civitai:
    """The API, as far as models need it."""

    def __init__(self, web: Web, places: Places) -> None:
        self._web, self._base = web, places.civitai
        self._who = bearer(places.civitai_token)

    def release(self, name: CivitaiName) -> Release:
        """What was named.  Raises SourceFailed."""
        version, model = self._version(name)
        usage = text(version, "usageControl")
        if usage and usage != "Download":
            raise NotAllowedThere(f"{text(model, 'name')} is only drawn with at {NAME}, not given.")
        file = _chosen(version, name.digest)
        base, kind = text(version, "baseModel"), text(model, "type")
        number_ = number(version, "id") or 0
        page = f"{self._base}/models/{number(model, 'id') or number(version, 'modelId') or 0}"
        v_predicts = kind == "Checkpoint" and _V_PREDICTION.search(text(version, "name"))
        return Release(
            source=f"civitai:@{number_}",
            title=f"{text(model, 'name')} {text(version, 'name')}".strip()[:100],
            page=f"{page}?modelVersionId={number_}",
            files=(self._file(file, number_, _FOLDERS.get(kind, "")),),
            folder=_FOLDERS.get(kind, ""),
            family=family_of_base(base),
            licence=_licence(model),
            base=base or None,
            triggers=tuple(w for w in items(version, "trainedWords") if isinstance(w, str)),
            preview=_preview(version),
            usual={"prediction": "v_prediction"} if v_predicts else {},
        )

    def search(self, words: str, limit: int) -> list[SearchResult]:
        """Models that it names for the words."""
        answer = self._web.read_json(
            f"{self._base}/api/v1/models",
            params={"query": words, "limit": limit, "nsfw": "false"},
            headers=self._who,
        )
        found = []
        for one in items(answer, "items"):
            versions = items(one, "modelVersions")
            newest = versions[0] if versions else {}
            size = number(next(iter(items(newest, "files")), {}), "sizeKB")
            found.append(
                SearchResult(
                    source=f"civitai:{number(one, 'id')}",
                    title=text(one, "name"),
                    kind=" ".join(filter(None, (text(one, "type"), text(newest, "baseModel")))),
                    licence=_licence(one),
                    size=size * 1024 if size is not None else None,
                    downloads=number(table(one, "stats"), "downloadCount"),
                )
            )
        return found

    def _version(self, name: CivitaiName) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """The version and its model, as far as the answer tells of it."""
        if name.version is not None or name.digest:
            way = f"by-hash/{name.digest}" if name.digest else str(name.version)
            version = self._said(f"/api/v1/model-versions/{way}")
            if name.model is not None and number(version, "modelId") not in (None, name.model):
                raise NoSuchSource(f"{NAME}'s version {name.version} is of another model.")
            return version, table(version, "model")
        model = self._said(f"/api/v1/models/{name.model}")
        versions = [v for v in items(model, "modelVersions") if isinstance(v, Mapping)]
        if not versions:
            raise NotFoundThere(f"{text(model, 'name')} has no version that can be fetched.")
        return versions[0], model

    def _said(self, way: str) -> Mapping[str, object]:
        try:
            answer = self._web.read_json(f"{self._base}{way}", headers=self._who)
        except NotFoundThere:
            raise NotFoundThere(
                f"{NAME} knows nothing of that id (or does not show it where you are)."
            ) from None
        if not isinstance(answer, Mapping):
            raise Unreached(f"{NAME} answers with something that is not understood.")
        return answer

    def _file(self, said: Mapping[str, object], version: int, folder: str) -> RemoteFile:
        # Of the address only the way there counts: the host is the one that is configured.
        parts = urlsplit(text(said, "downloadUrl"))
        usual = f"/api/download/models/{version}"
        way = parts.path if parts.path.startswith("/api/download/") else usual
        sha256, size = text(table(said, "hashes"), "SHA256").lower(), number(said, "sizeKB")
        return RemoteFile(
            path=f"{folder}/{_plain(text(said, 'name'))}".strip("/"),
            address=f"{self._base}{way}" + (f"?{parts.query}" if parts.query else ""),
            about=size * 1024 if size is not None else None,
            digest=Digest(kind="sha256", value=sha256) if sha256 else None,
            headers=self._who,
        )


def _chosen(version: Mapping[str, object], digest: str) -> Mapping[str, object]:
    """The file of a version: the one of the hash, else its main one that is no pickle."""
    files = [f for f in items(version, "files") if isinstance(f, Mapping)]
    usable = [f for f in files if text(f, "name").lower().endswith(WRITTEN_AS)]
    if digest:
        for file in usable:
            hashes = [h for h in table(file, "hashes").values() if isinstance(h, str)]
            if any(h.lower() == digest for h in hashes):
                return file
    models = [f for f in usable if text(f, "type") in ("Model", "Pruned Model", "VAE", "")]
    models = sorted(models or usable, key=lambda f: not yes(f, "primary"))
    if not models:
        what = ", ".join(text(f, "name") for f in files) or "nothing"
        raise NoSuchSource(
            f"That version has no safetensors or GGUF file ({what:.200}). A pickle can run code "
            "when it is opened: fetch it yourself, and turn it with `models convert FILE`."
        )
    return models[0]


def _plain(name: str) -> str:
    """A name of a file, without what systems do not take."""
    return re.sub(r"[^\w.()+ -]", "_", name.rpartition("/")[2]).strip(" .")[:150] or "model"


def _licence(model: object) -> str:
    """What its owner allows, in words; "" where the answer does not say."""
    if not isinstance(model, Mapping) or "allowCommercialUse" not in model:
        return ""
    said = model["allowCommercialUse"]
    uses = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    sold = ", ".join(uses) if uses and uses != ["None"] else "none"
    credit = "no credit needed" if yes(model, "allowNoCredit") else "with credit"
    return f"{NAME}: {credit}; commercial use: {sold}"


def _preview(version: Mapping[str, object]) -> str | None:
    """The address of a picture of it that can be shown to all."""
    for one in items(version, "images"):
        level = number(one, "nsfwLevel")
        if text(one, "type") in ("", "image") and level is not None and level <= 1:
            return text(one, "url") or None
    return None
