"""All places at once: what somebody typed, as the releases that are to be fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from generation.sources import civitai, huggingface, modelscope
from generation.sources.civitai import Civitai
from generation.sources.faults import NoSuchSource, SourceFailed, StoppedFetching
from generation.sources.huggingface import HuggingFace
from generation.sources.known import KnownModel, known_model
from generation.sources.modelscope import ModelScope
from generation.sources.naming import (
    CivitaiName,
    Hub,
    KnownName,
    LocalName,
    RepositoryName,
    named,
)
from generation.sources.places import Places
from generation.sources.release import Release, SearchResult
from generation.sources.web import Web


class Sources:
    """Asks the place that a name belongs to."""

    def __init__(self, web: Web, places: Places) -> None:
        self._places = places
        self._hubs: dict[Hub, HuggingFace | ModelScope] = {
            "huggingface": HuggingFace(web, places),
            "modelscope": ModelScope(web, places),
        }
        self._civitai = Civitai(web, places)

    def releases(self, said: str) -> Sequence[Release]:
        """What is to be fetched for what was typed.  Raises SourceFailed."""
        match named(said, self._places):
            case RepositoryName() as name:
                return [self._hubs[name.hub].release(name.repository, name.path, name.branch)]
            case CivitaiName() as name:
                return [self._civitai.release(name)]
            case KnownName() as name:
                return self._known(known_model(name.name))
            case LocalName() as local:
                raise NoSuchSource(f"{local.path} is on this machine: nothing is to be fetched.")

    def search(self, words: str, limit: int) -> tuple[list[SearchResult], list[str]]:
        """What all places have for the words, and which of them did not answer."""
        found: list[SearchResult] = []
        silent: list[str] = []
        asking: dict[str, Callable[[str, int], list[SearchResult]]] = {
            huggingface.NAME: self._hubs["huggingface"].search,
            civitai.NAME: self._civitai.search,
            modelscope.NAME: self._hubs["modelscope"].search,
        }
        for name, ask in asking.items():
            try:
                found += ask(words, limit)
            except StoppedFetching:
                raise
            except SourceFailed as error:
                silent.append(f"{name}: {error}")
        return found, silent

    def _known(self, model: KnownModel) -> list[Release]:
        """All files of a model; the first is told what the table says of it."""
        found: list[Release] = []
        for number, file in enumerate(model.files):
            (release,) = self.releases(file.at)
            if file.into and not release.folder:
                files = tuple(
                    replace(each, path=f"{file.into}/{PurePosixPath(each.path).name}")
                    for each in release.files
                )
                release = replace(release, files=files, folder=file.into)
            if number == 0:
                release = replace(
                    release,
                    title=model.title,
                    family=model.family,
                    licence=model.licence or release.licence,
                    usual={**release.usual, **model.card},
                )
            found.append(release)
        return found
