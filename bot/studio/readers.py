"""Readers: in which language each person reads.

What they chose comes first, then what their Discord speaks, as they last asked for something; a
message does not tell it.  Where nothing is known, it is the server's.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace

from bot.languages.speaking import language_for
from generation.job import UserId
from storage.errors import StorageError
from storage.locales import Locales, PersonLocale

log = logging.getLogger(__name__)

REMEMBERED = 10_000  # people; of all others the database knows


class Readers:
    """Everybody's language, those who asked lately from memory."""

    def __init__(self, locales: Locales) -> None:
        self._locales = locales
        self._known: OrderedDict[int, PersonLocale] = OrderedDict()

    async def of(self, person: int) -> PersonLocale:
        """What is known of a person."""
        if person in self._known:
            self._known.move_to_end(person)
        else:
            self._note(person, await self._locales.of(UserId(person)))
        return self._known[person]

    async def language(self, person: int, *, locale: str | None, server: str | None = None) -> str:
        """The language to answer a person in: `locale` is what their Discord says, if it does."""
        try:
            known = await self.of(person)
        except StorageError:
            log.exception("the language of a person could not be read")
            known = PersonLocale()  # the answer, which says so, matters more than its language
        return language_for(known.chosen or locale or known.heard or server)

    async def hear(self, person: int, locale: str) -> None:
        """Remember what a person's Discord speaks."""
        known = await self.of(person)
        if known.heard != locale:
            await self._keep(person, replace(known, heard=locale))

    async def choose(self, person: int, locale: str | None) -> None:
        """Answer them in this language from now on; None: as their Discord says."""
        await self._keep(person, replace(await self.of(person), chosen=locale))

    def forget(self, person: int) -> None:
        """What the database knows no more is not remembered either."""
        self._known.pop(person, None)

    async def _keep(self, person: int, locale: PersonLocale) -> None:
        await self._locales.keep(UserId(person), locale)
        self._note(person, locale)

    def _note(self, person: int, locale: PersonLocale) -> None:
        self._known[person] = locale
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
