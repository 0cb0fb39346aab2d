"""Confirming: what costs much is priced, asked about, and drawn when its owner says yes.

    Confirming.ask       the recipes are kept, and their number and seconds told
    Confirming.confirm   exactly these are queued, also after a restart

Invariant: whoever says yes twice is served once, and what they start from is theirs to start from
at the moment of the yes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.studio.admission import Admission
from bot.studio.defaults import Defaults, with_suffix
from bot.studio.gallery import Gallery
from bot.studio.requests import MOST_PICTURES, Requests
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.job import UserId
from prompting.errors import TooMany
from storage.errors import AskedBefore
from storage.requests import Origin
from storage.tickets import Request
from storage.unconfirmed import Unconfirmed, Unconfirmeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What waits for a yes."""

    number: int
    pictures: int
    seconds: float  # of a device


class Confirming:
    """Asks first."""

    def __init__(
        self,
        *,
        unconfirmed: Unconfirmeds,
        gallery: Gallery,
        requests: Requests,
        admission: Admission,
        defaults: Defaults,
        clock: Callable[[], float],
    ) -> None:
        self._unconfirmed, self._gallery, self._requests = unconfirmed, gallery, requests
        self._admission, self._defaults, self._clock = admission, defaults, clock

    async def price(self, wishes: Sequence[Wish], *, words: str) -> Priced:
        """Several wishes of one person, as one request.

        `words` is what was typed, and stood for all of them.  Raises what `Requests.submit_all`
        raises.
        """
        wishes = [self._requests.read(wish) for wish in wishes]
        together = await self._requests.drafted(wishes)
        if (count := len(together.recipes)) > MOST_PICTURES:
            raise TooMany("pictures", count, MOST_PICTURES)
        first = wishes[0]
        return await self.ask(
            Unconfirmed(
                owner=first.origin.owner,
                source=first.origin.source,
                words=with_suffix(self._requests.unflagged(words), together.suffix),
                recipes=together.recipes,
                parent=first.parent.id if first.parent is not None else None,
                notes=tuple(note for drafted in together.found for note in drafted.notes),
                scorer=together.found[0].scorer,
            )
        )

    async def ask(self, wanted: Unconfirmed) -> Priced:
        """Keep it until it is answered."""
        number = await self._unconfirmed.keep(wanted, at=self._clock())
        seconds = sum(self._admission.seconds(wanted.recipes))
        return Priced(number=number, pictures=len(wanted.recipes), seconds=seconds)

    async def confirm(self, number: int, origin: Origin) -> Request:
        """Queue it, as one request.

        Raises Missing, AskedBefore where that was done already, and what `Requests.submit` raises.
        """
        wanted = await self._unconfirmed.get(number, origin.owner)
        asker = Asker.of(origin)
        if wanted.parent is not None:
            await self._gallery.check_start(asker, wanted.parent)
            picture = await self._gallery.picture(asker, wanted.parent)
            before = await self._gallery.request(asker, picture.request)
            alone = origin.guild is not None and before.origin.private
            origin = replace(origin, private=origin.private or alone)
        await self._gallery.check_inputs(asker, wanted.recipes)
        try:
            request = await self._requests.queue_up(
                replace(origin, source=wanted.source),
                wanted.recipes,
                words=wanted.words,
                parent=wanted.parent,
                notes=wanted.notes,
                scorer=wanted.scorer,
                sheet=wanted.sheet,
            )
        except AskedBefore:
            await self._unconfirmed.forget(number, origin.owner)
            raise
        await self._remember(wanted, origin)
        await self._unconfirmed.forget(number, origin.owner)
        return request

    async def decline(self, number: int, owner: UserId) -> None:
        """Forget it.  Raises Missing where it is nobody's, or another person's."""
        await self._unconfirmed.get(number, owner)
        await self._unconfirmed.forget(number, owner)

    async def _remember(self, wanted: Unconfirmed, origin: Origin) -> None:
        """The seed that the person's next one is counted from."""
        used = tuple(recipe.seed for recipe in wanted.recipes if recipe.sampling is not None)
        if used:
            counting = await self._defaults.counting(origin)
            await self._defaults.note_seed(origin, counting.after(used))
