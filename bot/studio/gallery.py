"""The gallery: stored pictures and requests, as one person may see them.

Every picture and request that leaves storage for a person passes here, so a new way in has to ask
`bot.studio.rights` before it has anything to show.  Invariant: what a person may not see raises
Missing, as if it had never been; and a picture that they may see does not tell the number of one
that they may not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from bot.studio.deleting import Deleting
from bot.studio.rights import (
    Access,
    Asker,
    Blind,
    NotAllowed,
    Sight,
    may_act_on,
    may_see,
    may_start_from,
)
from generation.recipe import Recipe, RecipeId, Sha256
from storage.errors import Missing
from storage.pictures import PictureId, Pictures, StoredPicture
from storage.tickets import Request, RequestId, Tickets

LONGEST_LINEAGE = 40  # pictures that are looked up for one reader
MOST_MADE = 60  # pictures that were made of one


@dataclass(slots=True)
class _Once:
    """A sight that looks at each channel once, for one question."""

    sight: Sight
    seen: dict[tuple[int, int, int], Access] = field(default_factory=dict)

    async def access(self, person: int, guild: int, channel: int) -> Access:
        key = (person, guild, channel)
        if key not in self.seen:
            self.seen[key] = await self.sight.access(person, guild, channel)
        return self.seen[key]


class Gallery:
    """What is stored, behind the rights."""

    def __init__(self, tickets: Tickets, pictures: Pictures, deleting: Deleting) -> None:
        self._tickets, self._pictures, self._deleting = tickets, pictures, deleting
        self._sight: Sight = Blind()

    def look_through(self, sight: Sight) -> None:
        """Who knows what people can do in the channels."""
        self._sight = sight

    async def picture(
        self, asker: Asker, picture: PictureId, sight: Sight | None = None
    ) -> StoredPicture:
        """A picture by its number.  `sight`: another than the usual one.  Raises Missing."""
        found = await self._pictures.find(picture)
        for shown in await self._visible(asker, [found] if found is not None else [], sight):
            return shown
        raise Missing("picture", picture)

    async def in_message(self, asker: Asker, message: int) -> tuple[StoredPicture, ...]:
        """The pictures that a message shows, in their order."""
        return await self._visible(asker, await self._pictures.of_message(message))

    async def of_request(self, asker: Asker, request: RequestId) -> tuple[StoredPicture, ...]:
        """The pictures of a request, in their order.  Raises Missing."""
        await self.request(asker, request)
        return await self._visible(asker, await self._pictures.of_request(request))

    async def lineage(
        self, asker: Asker, picture: StoredPicture, sight: Sight | None = None
    ) -> tuple[StoredPicture, ...]:
        """A picture, what it was made of, and so on, as far as the person may see it."""
        line = [picture]
        while line[-1].parent is not None and len(line) < LONGEST_LINEAGE:
            line.append(await self.picture(asker, line[-1].parent, sight))
        return tuple(line)

    async def listed(
        self, asker: Asker, pictures: Collection[PictureId], sight: Sight
    ) -> tuple[StoredPicture, ...]:
        """Those of them that are not deleted, as one sees who looks through that sight."""
        found = [one for one in await self._pictures.many(pictures) if not one.deleted]
        return await self._visible(asker, found, sight)

    async def made_of(
        self, asker: Asker, picture: PictureId, sight: Sight | None = None
    ) -> tuple[StoredPicture, ...]:
        """What was made of a picture, the newest first, as far as the person may see it."""
        found = await self._pictures.made_of(picture, MOST_MADE)
        return await self._visible(asker, [one for one in found if not one.deleted], sight)

    async def own(self, asker: Asker, limit: int) -> tuple[StoredPicture, ...]:
        """A person's newest pictures."""
        return await self._pictures.newest(asker.id, limit)

    async def drawn_from(self, asker: Asker, recipe: RecipeId) -> tuple[StoredPicture, ...]:
        """Every drawing of a recipe that the person may see, the first drawn first."""
        return await self._visible(asker, await self._pictures.find_by_recipe(recipe))

    async def of_file(self, asker: Asker, file: Sha256) -> tuple[StoredPicture, ...]:
        """Every picture with exactly these bytes that the person may see and start from."""
        found = await self._visible(asker, await self._pictures.find_by_file(file))
        return tuple(picture for picture in found if not picture.deleted)

    async def request(self, asker: Asker, request: RequestId) -> Request:
        """A request as it was asked.  Raises Missing."""
        found = await self._tickets.request(request)
        # Its pictures know whether they are deleted, and where they were shown.
        pictures = await self._pictures.of_request(request)
        once = _Once(self._sight)
        for picture in pictures:
            if await may_see(asker, picture, once, deleted=picture.deleted):
                return found
        if not pictures and await may_see(asker, found.origin.seen_by, once, deleted=False):
            return found
        raise Missing("request", request)

    async def to_act_on(self, asker: Asker, request: RequestId, what: str) -> Request:
        """A request that the person may end or take away.  Raises Missing, or NotAllowed.

        NotAllowed tells that there is such a request, so it is for those who may see it.
        """
        found = await self._tickets.request(request)
        if await may_act_on(asker, found.origin.seen_by, self._sight):
            return found
        await self.request(asker, request)
        raise NotAllowed(what)

    async def delete(self, asker: Asker, request: RequestId) -> float | None:
        """Take a request's pictures away; the recipes stay.  Returns until when `restore` works.

        None: they were taken away before.  Raises Missing, or NotAllowed.
        """
        await self.to_act_on(asker, request, "delete another person's picture")
        return await self._deleting.delete(request, by=asker.id)

    async def restore(self, asker: Asker, request: RequestId) -> None:
        """Bring back what the same person has just deleted: it is posted again.

        Raises TooLate, Missing, or NotAllowed.
        """
        await self.to_act_on(asker, request, "bring back another person's picture")
        await self._deleting.restore(request, by=asker.id)

    async def share(self, asker: Asker, request: RequestId) -> bool:
        """Let all see a private answer where it was asked; False: they do.  Raises Missing."""
        found = await self._tickets.request(request)
        if found.origin.owner != asker.id:
            raise Missing("request", request)
        return await self._deleting.share(request)

    async def check_start(self, asker: Asker, picture: PictureId) -> None:
        """Raise Missing unless the picture's bytes may become the start of another one."""
        found = await self._pictures.get(picture)
        if await may_start_from(asker, found, self._sight, deleted=found.deleted):
            return
        # Its owner knows that there was one, and may draw it again.
        raise Missing("file" if asker.id == found.owner else "picture", picture)

    async def check_inputs(self, asker: Asker, recipes: Iterable[Recipe]) -> None:
        """Raise Missing where something new would be drawn from another's deleted picture.

        For recipes that the person may see; what they start from was shown with them.
        """
        for digest in {item.sha256 for recipe in recipes for item in recipe.inputs}:
            same = await self._pictures.find_by_file(digest)
            if same and all(p.deleted and p.owner != asker.id for p in same):
                raise Missing("file", digest)

    async def check_strangers(self, asker: Asker, recipe: Recipe) -> None:
        """Raise Missing where a recipe from outside names bytes that are not for this person.

        Whoever has a PNG knows the digests in its recipe, and could ask for little to be redrawn.
        """
        if not recipe.inputs or await self._seen_whole(asker, recipe.id):
            return
        for digest in {item.sha256 for item in recipe.inputs}:
            same = await self._pictures.find_by_file(digest)
            once = _Once(self._sight)
            shown = [await may_start_from(asker, p, once, deleted=p.deleted) for p in same]
            if any(shown) or (not same and await self._tickets.first_user(digest) == asker.id):
                continue
            raise Missing("file", digest)

    async def _seen_whole(self, asker: Asker, recipe: RecipeId) -> bool:
        """Whether the person may see a picture that was drawn by exactly this recipe."""
        return bool(await self._visible(asker, await self._pictures.find_by_recipe(recipe)))

    async def _visible(
        self, asker: Asker, pictures: Collection[StoredPicture], sight: Sight | None = None
    ) -> tuple[StoredPicture, ...]:
        once = _Once(sight or self._sight)
        return tuple(
            [
                await self._veiled(asker, picture, once)
                for picture in pictures
                if await may_see(asker, picture, once, deleted=picture.deleted)
            ]
        )

    async def _veiled(self, asker: Asker, picture: StoredPicture, sight: Sight) -> StoredPicture:
        return replace(
            picture,
            parent=await self._number(asker, picture.parent, sight),
            reproduces=await self._number(asker, picture.reproduces, sight),
        )

    async def _number(
        self, asker: Asker, picture: PictureId | None, sight: Sight
    ) -> PictureId | None:
        """The number of a picture, if the person may see that picture."""
        if picture is None:
            return None
        found = await self._pictures.find(picture)
        if found is None or not await may_see(asker, found, sight, deleted=found.deleted):
            return None
        return picture
