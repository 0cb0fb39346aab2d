"""Requests: asking for pictures, asking again in another way, and ending what was asked.

A wish, a picture to be changed or drawn once more, other words for the same seeds: each becomes
recipes, and those one request.  Nothing is acknowledged before it is committed: what returns a
Request returns when its tickets are on disk.  Whoever asks is named in each of them, and what it
starts from passes `bot.studio.gallery`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.dispatch.open_requests import OpenRequests
from bot.studio import notes
from bot.studio.admission import Admission
from bot.studio.controlling import AskedControl
from bot.studio.defaults import Defaults, suffixed, with_suffix
from bot.studio.device import DrawingDevice
from bot.studio.drafting import Drafting
from bot.studio.enlarging import Larger, larger, larger_clip
from bot.studio.flagging import unflagged, without_flags
from bot.studio.gallery import Gallery
from bot.studio.importing import is_exact
from bot.studio.layers import Drafted
from bot.studio.notes import bounded
from bot.studio.opening import Opening
from bot.studio.phrasing import NothingNew, Proposed
from bot.studio.rights import Asker
from bot.studio.servers import Servers
from bot.studio.wishes import Counting, Wish, init_from, rerolled
from generation.errors import NotPresent
from generation.media import photos
from generation.recipe import Input, Recipe, Sha256, Weights, needed
from prompting import wildcards
from prompting.errors import TooMany
from storage.errors import Missing
from storage.files import INPUT
from storage.pictures import PictureId, StoredPicture
from storage.requests import Origin
from storage.revisions import Revision
from storage.sheets import Sheet
from storage.stores import Stores
from storage.tickets import Asked, Request, RequestId
from storage.words import Wording

MOST_PICTURES = 10  # of one request: a message of Discord's shows no more


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedTogether:
    """Several wishes of one person, as one request would have them."""

    found: tuple[Drafted, ...]
    counting: Counting | None  # where the next seed comes from
    suffix: str  # a preset's words behind the person's

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All of them, in their order."""
        return tuple(recipe for drafted in self.found for recipe in drafted.recipes)


class Requests:
    """What people ask for."""

    def __init__(
        self,
        *,
        stores: Stores,
        gallery: Gallery,
        drafting: Drafting,
        defaults: Defaults,
        device: DrawingDevice,
        opening: Opening,
        admission: Admission,
        open_requests: OpenRequests,
        servers: Servers,
        clock: Callable[[], float],
        dice: Callable[[], int],
    ) -> None:
        self._stores, self._gallery, self._drafting = stores, gallery, drafting
        self._defaults = defaults
        self._device, self._opening = device, opening
        self._admission, self._open_requests = admission, open_requests
        self._servers = servers
        self._clock, self._dice = clock, dice

    # -- something new ---------------------------------------------------------------------

    async def submit(self, wish: Wish) -> Request:
        """Turn a wish into recipes and queue them.

        Raises Unacceptable, QueueFull, StorageError, or WorkerDied while nothing can draw yet.
        """
        wish = self.read(wish)
        return await self.submit_all((wish,), words=wish.draft.words.prompt or "")

    def read(self, wish: Wish, medium: str = "") -> Wish:
        """The wish with the parameters that its words hold ("--ar 3:2"), and without them there.

        Whoever begins with a picture reads it first: its shape is the wish's only where no other
        is said.  What was read is not read again.  `medium`: of what is made, where the wish does
        not say it yet.  Raises Unacceptable.
        """
        return unflagged(wish, self._drafting.offers, medium)

    async def submit_all(self, wishes: Sequence[Wish], *, words: str) -> Request:
        """Several wishes of one person as one request: all of them are queued, or none is.

        `words` is what was typed, and stood for all of them.  Raises what `submit` raises, and
        TooMany where a message could not show them all.
        """
        wishes = [self.read(wish) for wish in wishes]
        first = wishes[0]
        if len(wishes) == 1 and is_exact(first) and first.imported is not None:
            self._servers.admits(first.origin)
            with contextlib.suppress(NotPresent):  # then it is drawn as far as it can be
                return await self._exactly(needed(first.imported.recipe), first.origin)
        together = await self.drafted(wishes)
        if (count := len(together.recipes)) > MOST_PICTURES:
            raise TooMany("pictures", count, MOST_PICTURES)
        parent = first.parent.id if first.parent else None
        words = with_suffix(self.unflagged(words), together.suffix)
        request = await self._all_of(first.origin, together.found, words=words, parent=parent)
        if together.counting is not None:
            await self._defaults.note_seed(first.origin, together.counting)
        return request

    def unflagged(self, words: str) -> str:
        """What was typed, without the parameters in it.  Raises Unacceptable."""
        return without_flags(words, self._drafting.offers)

    async def drafted(self, wishes: Sequence[Wish]) -> DraftedTogether:
        """One person's wishes as recipes; their words were read, and nothing is queued yet.

        Raises what `submit` raises of the wishes themselves.
        """
        first = wishes[0]
        self._servers.admits(first.origin)
        if first.parent is not None:
            asker, before = Asker.of(first.origin), first.parent.recipe
            await self._gallery.check_start(asker, first.parent.id)
            if set(first.draft.inputs) & set(before.inputs):
                await self._gallery.check_inputs(asker, [before])
        device = await self._device.wait()
        found: list[Drafted] = []
        counting: Counting | None = None
        suffix = ""
        for wish in wishes:
            around = await self._defaults.around(wish)
            if counting is not None:
                around = replace(around, counting=counting)
            said = suffixed(await self._own(wish), around.suffix)
            drafted = await self._drafting.draft(said, around, device=device)
            self._check_offered(first.origin, drafted)
            found.append(drafted)
            suffix = around.suffix if wish is first else suffix
            used = tuple(r.seed for r in drafted.recipes if r.sampling is not None)
            counting = around.counting.after(used) if used else around.counting
        return DraftedTogether(found=tuple(found), counting=counting, suffix=suffix)

    def _check_offered(self, origin: Origin, drafted: Drafted) -> None:
        """Raise NotOffered or Declined: of several wordings a request keeps none to look at."""
        self._servers.accepts(origin, (), drafted.recipes)
        if drafted.wording is not None:
            self._servers.accepts_style(origin, drafted.wording.assisted.style)

    async def _exactly(self, recipe: Recipe, origin: Origin) -> Request:
        """A recipe that a file carries, to the letter.  Raises Unacceptable, Missing."""
        recipe = self._drafting.for_somebody(recipe)
        await self._gallery.check_strangers(Asker.of(origin), recipe)
        await self._device.wait()
        return await self.queue_up(origin, (recipe,), words=recipe.prompt)

    async def _own(self, wish: Wish) -> Wish:
        """The wish with what its parent was not to show, as far as the person said so.

        A style's own negative would live on in every change of the picture, and fight a new style.
        """
        if wish.parent is None or wish.draft.words.negative_prompt is not None:
            return wish
        before = await self._stores.words.of_picture(wish.parent.id)
        if before is None:
            return wish
        words = replace(wish.draft.words, negative_prompt=before.own_negative)
        return replace(wish, draft=replace(wish.draft, words=words))

    async def keep_input(self, data: bytes) -> tuple[Input, photos.InputFacts]:
        """Check and keep the bytes of a picture that somebody sent.  Raises BadPicture."""
        facts = await self._opening.check(data)
        sha256 = await asyncio.to_thread(self._stores.files.keep, data, INPUT)
        return init_from(sha256), facts

    async def started_from(self, data: bytes, wish: Wish) -> Wish:
        """The wish with a picture that somebody sent as its start.  Raises BadPicture."""
        start, facts = await self.keep_input(data)
        around = await self._defaults.around(wish)
        return self._drafting.started(wish, start, facts.width, facts.height, around)

    async def controlled(self, data: bytes, wish: Wish, asked: AskedControl) -> Wish:
        """The wish with a control picture that somebody sent.  Raises BadPicture, Unacceptable."""
        seen, facts = await self.keep_input(data)
        size, around = (facts.width, facts.height), await self._defaults.around(wish)
        return self._drafting.controlled(wish, seen, size, asked, around)

    async def looking_at(self, data: bytes, wish: Wish) -> Wish | None:
        """The wish for an edit that looks at one picture more, which somebody sent.

        None where it looks at no more.  Raises BadPicture.
        """
        further, _ = await self.keep_input(data)
        return self._drafting.looking_at(wish, further, await self._defaults.around(wish))

    async def enlarge(self, data: bytes, wish: Wish, asked: Larger) -> Request:
        """Make a picture larger: that of these bytes, and the wish's parent where it is ours.

        Raises what `submit` raises, and BadPicture.
        """
        start, facts = await self.keep_input(data)
        return await self.submit(larger(wish, start, facts, asked, self._drafting.offers))

    async def enlarge_clip(self, data: bytes, wish: Wish, asked: Larger) -> Request:
        """Make a clip larger: that of these bytes, and the wish's parent where it is ours.

        Raises what `submit` raises, and BadClip.
        """
        facts = await self._opening.clip(data)
        sha256 = await asyncio.to_thread(self._stores.files.keep, data, INPUT)
        start = replace(init_from(sha256), role="clip")
        return await self.submit(larger_clip(wish, start, facts, asked, self._drafting.offers))

    # -- before it is asked ----------------------------------------------------------------

    async def check(self, wish: Wish) -> None:
        """Raise what `submit` would raise of the wish itself; no worker needs to run for that."""
        if wish.style is not None:
            self._drafting.offers.styles.named(wish.style)
        await self._plainly(wish, "cpu")  # the device decides the precision, which is always known

    async def _plainly(self, wish: Wish, device: str) -> Drafted:
        """In the person's own words: other words cost the same, and asking for them takes time."""
        wish = self.read(wish)
        around = await self._defaults.around(wish)
        said = suffixed(wish, around.suffix)
        return await self._drafting.draft(said, around, device=device, plainly=True)

    async def propose(self, wish: Wish) -> Proposed:
        """Different ways to say a wish, before any of them is drawn.  Raises Declined."""
        wish = self.read(wish)
        around = await self._defaults.around(wish)
        return await self._drafting.propose(suffixed(wish, around.suffix), around)

    async def refine(self, wish: Wish, found: Proposed, further: str) -> Proposed:
        """Proposals with a further wish in each ("warmer, no dog").  Raises as `propose`, and
        NothingNew where it changes nothing.
        """
        around = await self._defaults.around(wish)
        return await self._drafting.refine(wish, found, further, around)

    # -- something of what there is --------------------------------------------------------

    async def again(
        self, request: RequestId, origin: Origin, *, only: PictureId | None = None
    ) -> Request:
        """The same wish with other seeds; `only` one of its pictures.

        Raises NothingNew where nothing was drawn.
        """
        before, recipes = await self._before(request, origin)
        words = before.words
        if only is not None:
            recipes = ((await self._one_of(request, origin, only)).recipe,)
            # Words that stand for several pictures are not what one of them shows.
            words = recipes[0].prompt if wildcards.count(words) > 1 else words
        if any(recipe.sampling is None for recipe in recipes):
            raise NothingNew("picture")
        counting = await self._defaults.counting(origin)
        # Pictures that shared a seed, to be compared, share the next one as well.
        before_them = list(dict.fromkeys(recipe.seed for recipe in recipes))
        fresh = rerolled(before_them, counting, self._dice)
        next_seed = dict(zip(before_them, fresh, strict=True))
        rolled = tuple(replace(r, seed=next_seed[r.seed]) for r in recipes)
        fixed = (notes.seed_stays(),) if rolled == recipes else ()
        queued = await self.queue_up(
            origin,
            rolled,
            words=words,
            parent=before.parent,
            wording=await self._stores.words.find(request),
            notes=(*(note for note in before.notes if note != notes.seed_stays()), *fixed),
            scorer=before.scorer if only is None else None,
            sheet=before.sheet if only is None else None,
        )
        await self._defaults.note_seed(origin, counting.after(fresh))
        return queued

    async def reword(
        self, request: RequestId, origin: Origin, *, style: str | None = None, own: bool = False
    ) -> Request:
        """The same wish and seeds in other words: a new wording, another style, or one's own.

        `style` keeps the wording, so that only the style differs.  `own` asks nobody.
        """
        before, recipes = await self._before(request, origin)
        if any(recipe.words is None for recipe in recipes):
            raise NothingNew("picture")
        last = await self._stores.words.find(request)
        found = [
            await self._drafting.phrasing.reword(words, group, last, style=style, own=own)
            for words, group in _readings(before.words, recipes)
        ]
        found = [replace(drafted, scorer=before.scorer) for drafted in found]
        return await self._all_of(origin, found, words=before.words, parent=before.parent)

    async def reproduce(self, number: PictureId, origin: Origin) -> Request:
        """Draw a picture a second time from its recipe, to compare.  Raises Missing."""
        await self._gallery.picture(Asker.of(origin), number)
        picture = await self._stores.pictures.get(number)  # with all that it came from
        return await self.queue_up(
            origin,
            (picture.recipe,),
            words=picture.words,
            parent=picture.parent,
            reproduces=picture.id,
        )

    async def reproduce_one(
        self, request: RequestId, origin: Origin, *, only: PictureId | None = None
    ) -> Request:
        """Draw a picture of a request a second time, to compare: the first, or `only` that one.

        Raises Missing.
        """
        return await self.reproduce((await self._one_of(request, origin, only)).id, origin)

    async def reproduce_file(
        self,
        recipe: Recipe,
        pixels: Sha256 | None,
        origin: Origin,
        *,
        file: Sha256 | None = None,
    ) -> Request:
        """Draw the recipe that a stranger's file carries, to compare with its content.

        Where that holds its content but nearly (`pixels` None), the file itself is compared, or
        what is known here of it.  Raises what `submit` raises.
        """
        recipe = self._drafting.for_somebody(recipe)
        await self._gallery.check_strangers(Asker.of(origin), recipe)
        found = await self._gallery.drawn_from(Asker.of(origin), recipe.id)
        same = [one for one in found if pixels == one.pixels_sha256 or file == one.png_sha256]
        if same:
            return await self.reproduce(same[0].id, origin)
        return await self.queue_up(
            origin,
            (recipe,),
            words=recipe.prompt,
            expects=pixels,
            expects_file=file if pixels is None else None,
        )

    async def _one_of(
        self, request: RequestId, origin: Origin, only: PictureId | None
    ) -> StoredPicture:
        """A picture of a request, the first where none is named.  Raises Missing."""
        for picture in await self._gallery.of_request(Asker.of(origin), request):
            if only in (None, picture.id):
                return picture
        raise Missing("request", request)

    async def _before(
        self, request: RequestId, origin: Origin
    ) -> tuple[Request, tuple[Recipe, ...]]:
        """A request and its recipes, for somebody who wants something new of them."""
        self._servers.admits(origin)
        before = await self._gallery.request(Asker.of(origin), request)
        tickets = await self._stores.tickets.of_request(request)
        recipes = tuple(ticket.job.recipe for ticket in tickets)
        await self._gallery.check_inputs(Asker.of(origin), recipes)
        return before, recipes

    # -- into the queue, and out of it -----------------------------------------------------

    async def _all_of(
        self, origin: Origin, found: Sequence[Drafted], *, words: str, parent: PictureId | None
    ) -> Request:
        """Queue what was drafted as one request."""
        return await self.queue_up(
            origin,
            [recipe for drafted in found for recipe in drafted.recipes],
            words=words,
            parent=parent,
            # A request has one wording; several wishes have none that is everybody's.
            wording=found[0].wording if len(found) == 1 else None,
            notes=[note for drafted in found for note in drafted.notes],
            scorer=found[0].scorer,
        )

    async def queue_up(
        self,
        origin: Origin,
        recipes: Sequence[Recipe],
        *,
        words: str,
        parent: PictureId | None = None,
        reproduces: PictureId | None = None,
        expects: Sha256 | None = None,
        expects_file: Sha256 | None = None,
        wording: Wording | None = None,
        notes: Sequence[str] = (),
        revision: Revision | None = None,
        scorer: Weights | None = None,
        sheet: Sheet | None = None,
    ) -> Request:
        """Commit recipes as a request and let them wait for their turn.

        `notes` are sentences to be said beside the pictures (`bot.studio.notes`); `scorer`: by what
        the best of them is told; `sheet`: on which they are compared.
        """
        asked = Asked(
            origin=origin,
            words=words,
            created=self._clock(),
            parent=parent,
            reproduces=reproduces,
            expects=expects,
            expects_file=expects_file,
            notes=bounded(notes),
            revision=revision,
            scorer=scorer,
            sheet=sheet,
        )
        return await self._admission.admit(asked, recipes, wording)

    async def cancel(self, request: RequestId, *, by: Asker) -> bool:
        """End a request: what waits at once, what is being drawn within a step.

        False: it has ended already.  Raises Missing, or NotAllowed.
        """
        asked = await self._gallery.to_act_on(by, request, "cancel another person's request")
        open_ = self._open_requests.is_open(request)
        if not open_ and asked.origin.owner != by.id:
            raise Missing("request", request)  # there is nothing that a moderator could end
        await self._admission.end(request, by=by.id, at=self._clock())
        return open_


def _readings(words: str, recipes: Sequence[Recipe]) -> list[tuple[str, Sequence[Recipe]]]:
    """What a request's words stand for, each with its recipes: as `submit_all` queued them."""
    if 1 < wildcards.count(words) <= len(recipes):
        prompts = wildcards.permutations(words, limit=MOST_PICTURES)
        each, odd = divmod(len(recipes), len(prompts))
        if not odd:
            groups = [recipes[at : at + each] for at in range(0, len(recipes), each)]
            return list(zip(prompts, groups, strict=True))
    return [(words, recipes)]
