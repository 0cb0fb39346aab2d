"""Presets: what people keep by a name, and draw with again.

    mine         a person's own, wherever they are
    channel's    for all who draw there, and in its threads
    server's     for all of it

Of several of one name the nearer counts; "channel:ink" and "server:ink" name the others.
Invariant: whoever may not decide for a channel or a server changes nothing there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from bot.studio.gallery import Gallery
from bot.studio.rights import Asker
from bot.studio.saved_drafts import SavedDraft, of_picture
from generation.errors import NoSuchName, OutOfRange
from generation.job import UserId
from storage.people import Level
from storage.pictures import PictureId
from storage.presets import Owned, StoredPreset, folded
from storage.requests import Origin
from storage.stores import Stores

MOST = {Level.PERSON: 50, Level.CHANNEL: 50, Level.SERVER: 100}
LONGEST_NAME = 32
NONE = "none"  # in place of a name: no preset
_MARKS = " -_.'+&"
_RESERVED = (NONE, "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Who asks, and where: a thread comes before its channel, and that before its category."""

    person: UserId
    channels: tuple[int, ...]
    server: int | None

    @classmethod
    def of(cls, origin: Origin) -> Self:
        """Of whoever asks from there."""
        around = tuple(place for place in origin.seen.within if place != origin.channel)
        return cls(person=origin.owner, channels=(origin.channel, *around), server=origin.guild)

    @property
    def owners(self) -> tuple[Owned, ...]:
        """Whose presets and settings count there, the nearest first."""
        return (
            Owned(level=Level.PERSON, id=self.person),
            *(Owned(level=Level.CHANNEL, id=channel) for channel in self.channels),
            *([Owned(level=Level.SERVER, id=self.server)] if self.server is not None else []),
        )

    def owner(self, level: Level) -> Owned:
        """Whose it is, if it is that level's.

        Raises OutOfRange for the server of a direct message.
        """
        found = [owner for owner in self.owners if owner.level is level]
        if not found:
            raise OutOfRange("place", "a direct message", "a channel of a server for that")
        return found[0]


class Presetting:
    """Keeps presets, finds them, and says what they come to."""

    def __init__(self, *, stores: Stores, gallery: Gallery, clock: Callable[[], float]) -> None:
        self._stores, self._gallery, self._clock = stores, gallery, clock

    async def visible(self, there: Whereabouts) -> tuple[StoredPreset, ...]:
        """All that can be used there, the nearest first."""
        found = [await self._stores.presets.of(owner) for owner in there.owners]
        return tuple(preset for group in found for preset in group)

    async def named(self, there: Whereabouts, name: str) -> StoredPreset | None:
        """The preset of that name; None for "none".  Raises NoSuchName with the nearest."""
        return None if folded(name.strip()) in _RESERVED else await self.find(there, name)

    async def find(self, there: Whereabouts, name: str) -> StoredPreset:
        """The preset of that name.  Raises NoSuchName with the nearest."""
        level, bare = _level_in(name)
        for owner in there.owners:
            if level in (None, owner.level):
                found = await self._stores.presets.find(owner, _plain(bare))
                if found is not None:
                    return found
        here = {folded(preset.name): preset.name for preset in await self.visible(there)}
        near = get_close_matches(folded(_plain(bare)), here, n=3, cutoff=0.4)
        raise NoSuchName(
            "preset", name, tuple(here[each] for each in near), tuple(here.values()) or None
        )

    async def save(
        self, there: Whereabouts, name: str, saved: SavedDraft, level: Level = Level.PERSON
    ) -> bool:
        """Keep it by that name.  Returns whether another one made room.  Raises OutOfRange.

        For a channel and a server, the caller has made sure that the person decides there.
        """
        owner, checked = there.owner(level), checked_name(name)
        before = await self._stores.presets.find(owner, checked)
        preset = StoredPreset(
            owner=owner,
            name=checked,
            text=saved.dump(),
            author=there.person,
            saved=self._clock(),
        )
        most = MOST[level]
        if not await self._stores.presets.keep(preset, most=most):
            raise OutOfRange(
                "number of presets", most + 1, f"at most {most}; `/preset delete` makes room"
            )
        return before is not None

    async def of_picture(self, asker: Asker, picture: PictureId) -> SavedDraft:
        """What a preset holds that is saved from a picture.  Raises Missing, OutOfRange."""
        found = await self._gallery.picture(asker, picture)
        wording = await self._stores.words.of_picture(found.id)
        words = found.recipe.words
        negative = words.negative_prompt if words is not None else ""
        return of_picture(
            found.recipe,
            negative=wording.own_negative if wording is not None else negative,
            style=(wording.assisted.style or None) if wording is not None else None,
        )

    async def share(self, there: Whereabouts, name: str, level: Level) -> StoredPreset:
        """Copy one for all of a channel or a server; later changes of the own stay there."""
        found = await self.find(there, name)
        await self.save(there, found.name, SavedDraft.load(found.text), level)
        return found

    async def delete(self, preset: StoredPreset) -> None:
        """Take it away.  The caller has made sure that the person may."""
        await self._stores.presets.delete(preset.owner, preset.name)

    async def use(self, there: Whereabouts, name: str | None) -> StoredPreset | None:
        """Draw with it there from now on; None, or "none": with none."""
        found = await self.named(there, name) if name is not None else None
        await self._stores.presets.stand(there.person, there.channels[0], found)
        return found

    async def standing(self, there: Whereabouts) -> StoredPreset | None:
        """What the person draws with there; what they may not see any more counts no more."""
        found = await self._stores.presets.standing(there.person, there.channels[0])
        return found if found is not None and found.owner in there.owners else None


_SAVE = (
    re.compile(
        r"(?:please )?(?:save|keep|store)(?: (?:this|it|that|these))?"
        r"(?: (?:settings|picture|style))? as (?:a |my )?preset\b[\s:：]*(?:called |named )?(.+)",
        re.IGNORECASE,
    ),
    re.compile(r"(?:把[这它][个张些]?)?(?:另?存|保存)(?:为|成)(?:一个)?预设[\s:：]*(.+)"),
)


def asked_to_save(words: str) -> str | None:
    """The name by which a reply wants a picture's settings kept; None: it asks for other things."""
    said = " ".join(words.split())
    for pattern in _SAVE:
        if match := pattern.fullmatch(said):
            return match[1].strip(" \"'“”‘’「」.。!！")
    return None


def checked_name(name: str) -> str:
    """The name, if a preset can be called so.  Raises OutOfRange."""
    plain = _plain(name)
    fits = all(char.isalnum() or char in _MARKS for char in plain)
    if not fits or not 1 <= len(plain) <= LONGEST_NAME or not any(map(str.isalnum, plain)):
        raise OutOfRange(
            "name of a preset", name, f"1 to {LONGEST_NAME} letters, digits and blanks"
        )
    if folded(plain) in _RESERVED:
        raise OutOfRange("name of a preset", name, "another word: this one means that none is used")
    return plain


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split())


def _level_in(name: str) -> tuple[Level | None, str]:
    """ "channel:ink" as the channel's, and its name."""
    before, colon, after = unicodedata.normalize("NFKC", name).partition(":")
    levels: Sequence[Level] = [level for level in Level if level == before.strip().casefold()]
    return (levels[0], after) if colon and levels else (None, name)
