"""What people type to name a model: an id at a place, the address of its page, a file of theirs.

    flux2-klein-4b                          a name of the table (known.toml)
    hf:owner/name[@revision][/file]         or https://huggingface.co/owner/name/...
    ms:owner/name[@revision][/file]         or https://modelscope.cn/models/owner/name
    civitai:MODEL[@VERSION], sha256:HASH    or the page's address, or an AIR (urn:air:...)
    /path/to/a/file or folder               of this machine

Invariant: an address counts only for the id that it holds; its host must be one that is configured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from generation.sources import places as usual
from generation.sources.choosing import checked
from generation.sources.faults import NoSuchSource
from generation.sources.places import Places

Hub = Literal["huggingface", "modelscope"]
_PREFIXES: dict[str, Hub] = {"hf": "huggingface", "ms": "modelscope"}
_BRANCHES: dict[Hub, str] = {"huggingface": "main", "modelscope": "master"}
_ID = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w./-]+?))?(?:/(?!/)(.+))?")
_AIR = re.compile(
    r"(?:urn:)?(?:air:)?[\w-]+:[\w-]+:(civitai|huggingface):([\w./-]+?)"
    r"(?:@([\w.-]+))?(?:\+\d+)?(?:\.\w+)?"
)
_HASH = re.compile(r"(?:sha256:)?([0-9a-fA-F]{8,64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryName:
    """Of Hugging Face or ModelScope: `owner/name`, and perhaps a file of it."""

    hub: Hub
    repository: str
    path: str = ""
    revision: str = ""

    @property
    def branch(self) -> str:
        """The revision, or what is usual there."""
        return self.revision or _BRANCHES[self.hub]


@dataclass(frozen=True, slots=True, kw_only=True)
class CivitaiName:
    """Of CivitAI: a model's id, a version's, or the hash of a file."""

    model: int | None = None
    version: int | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalName:
    """A file or folder of this machine."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownName:
    """What may be a name of the table."""

    name: str


Name = RepositoryName | CivitaiName | LocalName | KnownName


def named(said: str, places: Places) -> Name:
    """What was meant.  Raises NoSuchSource."""
    said = said.strip()
    if "://" in said:
        return _of_address(said, places)
    prefix, _, rest = said.partition(":")
    if prefix in _PREFIXES:
        return _of_id(_PREFIXES[prefix], rest)
    if prefix == "civitai" and (found := re.fullmatch(r"(\d+)?(?:@(\d+))?", rest)) and rest:
        return CivitaiName(
            model=int(found[1]) if found[1] else None, version=int(found[2]) if found[2] else None
        )
    if ":" in said and (air := _AIR.fullmatch(said)):
        if air[1] == "huggingface":
            return _of_id("huggingface", air[2] + (f"@{air[3]}" if air[3] else ""))
        if air[2].isdecimal() and (air[3] or "0").isdecimal():
            return CivitaiName(model=int(air[2]), version=int(air[3]) if air[3] else None)
    path = Path(said).expanduser()
    if path.exists() and (path.is_absolute() or re.search(r"[./\\]", said)):
        return LocalName(path=path)
    if (digest := _HASH.fullmatch(said)) and (prefix == "sha256" or not said.isdecimal()):
        return CivitaiName(digest=digest[1].lower())
    if re.fullmatch(r"[\w.-]{1,80}", said):
        return KnownName(name=said)
    raise NoSuchSource(
        f"{said!r:.120} names nothing here: it may be a name of `models recommend`, "
        "hf:owner/name, ms:owner/name, civitai:NUMBER, a page's address, or a file."
    )


def _of_id(hub: Hub, said: str) -> RepositoryName:
    found = _ID.fullmatch(said.strip())
    if found is None:
        raise NoSuchSource(f"{said!r:.120} is no id such as owner/name.")
    return RepositoryName(
        hub=hub, repository=found[1], revision=found[2] or "", path=checked(found[3] or "")
    )


def _of_address(said: str, places: Places) -> Name:
    try:
        parts = urlsplit(said)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        raise NoSuchSource(f"{said!r:.120} is no address.") from None
    way = [unquote(piece) for piece in parts.path.split("/") if piece]
    if host in _hosts(places.huggingface, usual.HUGGINGFACE):
        return _of_page("huggingface", way)
    if host in _hosts(places.modelscope, usual.MODELSCOPE):
        return _of_page("modelscope", way[1:] if way[:1] == ["models"] else way)
    if host in _hosts(places.civitai, usual.CIVITAI):
        return _of_civitai(way, parse_qs(parts.query))
    raise NoSuchSource(
        f"{host!r:.80} is none of the places that models are fetched from here; config.toml may "
        "name another address for each (docs/sources.md)."
    )


def _hosts(*addresses: str) -> set[str]:
    return {(urlsplit(one).hostname or "").removeprefix("www.") for one in addresses}


def _of_page(hub: Hub, way: list[str]) -> RepositoryName:
    """owner/name[/resolve|blob|tree|file/view/revision[/path]]."""
    if len(way) < 2:
        raise NoSuchSource("That address is of no model's page.")
    rest = way[2:]
    if rest[:2] == ["file", "view"]:
        rest = rest[1:]
    known = bool(rest) and rest[0] in ("resolve", "blob", "tree", "raw", "view")
    revision, path = (rest[1] if known and len(rest) > 1 else ""), "/".join(rest[2:])
    if known and rest[0] == "tree":
        path = ""
    return RepositoryName(
        hub=hub,
        repository="/".join(way[:2]),
        revision="" if revision == _BRANCHES[hub] else revision,
        path=checked(path) if known else "",
    )


def _of_civitai(way: list[str], query: dict[str, list[str]]) -> CivitaiName:
    version = (query.get("modelVersionId") or [""])[0]
    numbers = [piece for piece in way if piece.isdecimal()]
    if way[:1] == ["api"] and "download" in way and numbers:
        return CivitaiName(version=int(numbers[-1]))
    if way[:1] == ["model-versions"] and numbers:
        return CivitaiName(version=int(numbers[0]))
    if way[:1] == ["models"] and numbers:
        found = int(version) if version.isdecimal() else None
        return CivitaiName(model=int(numbers[0]), version=found)
    raise NoSuchSource("That address is of no model's page.")
