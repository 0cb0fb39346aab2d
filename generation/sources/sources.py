"""All places at once: what somebody typed, as the releases that are to be fetched."""

from __future__ import annotations

from collections.abc import Sequence

from generation.sources.faults import NoSuchSource
from generation.sources.huggingface import HuggingFace
from generation.sources.naming import KnownName, LocalName, RepositoryName, named
from generation.sources.places import Places
from generation.sources.release import Release
from generation.sources.web import Web


class Sources:
    """Asks the place that a name belongs to."""

    def __init__(self, web: Web, places: Places) -> None:
        self._places = places
        self._huggingface = HuggingFace(web, places)

    def releases(self, said: str) -> Sequence[Release]:
        """What is to be fetched for what was typed.  Raises SourceFailed."""
        match named(said, self._places):
            case RepositoryName() as name:
                return [self._huggingface.release(name.repository, name.path, name.branch)]
            case LocalName() as local:
                raise NoSuchSource(f"{local.path} is on this machine: nothing is to be fetched.")
            case KnownName() as known:
                raise NoSuchSource(f"There is no model called {known.name}.")
        raise NoSuchSource(f"{said!r:.120} names nothing here.")
