"""Changing: what a reply to pictures comes to.

    reply ▶ intents ▶ a plan for each picture that is meant ▶ a request, or something that is said

Invariant: nothing is drawn unless a picture was asked for, and whoever replies sees no more than
they could see before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.languages.speaking import tr
from bot.studio import lines
from bot.studio.changes import Means, Plan, groups
from bot.studio.drafting import Drafting
from bot.studio.flagging import said_in_reply
from bot.studio.gallery import Gallery
from bot.studio.layers import NOBODY
from bot.studio.opening import Opening
from bot.studio.questions import question
from bot.studio.recalling import Recall, Recalled, answered_of
from bot.studio.requests import Requests
from bot.studio.revisor import Reply, Revisor
from bot.studio.rights import Asker
from bot.studio.wishes import Wish, init_from
from generation.draft import Draft, DraftWords
from generation.errors import Unacceptable
from generation.recipe import Recipe, Sha256
from prompting.changes import understand
from prompting.changing.intents import Intent, IntentKind, ShownPicture, Understood
from prompting.changing.picking import named
from prompting.errors import PromptingError
from storage.errors import Missing
from storage.pictures import PictureId, StoredPicture
from storage.requests import Origin
from storage.stores import Stores
from storage.tickets import Request, RequestId


class NothingBefore(Exception):
    """There is nothing to go back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A picture is drawn."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """Something is said, and nothing drawn; where `text` is empty, not even that."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAgain:
    """A picture that there is, shown once more."""

    picture: StoredPicture
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDelete:
    """Whoever replies wants this request's pictures away, and may take them away."""

    request: Request


Answer = Underway | Remarked | ShownAgain | ToDelete


class Changes:
    """What replies make of pictures."""

    def __init__(
        self,
        *,
        stores: Stores,
        gallery: Gallery,
        drafting: Drafting,
        requests: Requests,
        revisor: Revisor,
        opening: Opening,
    ) -> None:
        self._stores, self._gallery, self._drafting = stores, gallery, drafting
        self._requests, self._revisor, self._opening = requests, revisor, opening
        self._recall = Recall(stores, drafting.phrasing)

    async def prepare(self) -> None:
        """Read the words of the languages, so that the first reply waits for none of it."""
        for words in ("make it night", "换成蓝色", "mach es Nacht"):
            await asyncio.to_thread(understand, words, ShownPicture(prompt="a red flower"))

    # -- a reply -----------------------------------------------------------------------------

    async def reply(self, reply: Reply, pictures: Sequence[StoredPicture]) -> tuple[Answer, ...]:
        """What a reply to a message with these pictures comes to, picture by picture.

        Raises what `Requests.submit` raises, NotThatMany and NothingBefore.
        """
        said = said_in_reply(reply.words, self._drafting.offers)
        count = len(pictures)
        usual = next((at for at, one in enumerate(pictures, 1) if one.id == reply.picked), 1)
        first = await self._recalled(reply.origin, pictures[usual - 1], count)
        understood = await self._understood(said.words, first)
        found: list[Answer] = []
        picked = groups(understood.intents, count)
        places = [usual] if None in picked else list(picked)
        others = [one for one in named(reply.words, count) if one not in places]
        for pick, group in picked.items():
            meant = _meant(pictures, pick, group, usual)
            recalled = [await self._recalled(reply.origin, one, count) for one in meant]
            which = _which(pick, usual, count, others) if len(meant) == 1 else ()
            noted = replace(reply, notes=(*which, *said.notes, *reply.notes))
            found += await self._answers(noted, group, recalled, understood.language)
            # A message asks once; what it asks for besides is asked beside it.
            reply = replace(reply, origin=replace(reply.origin, source=None))
        return tuple(found)

    async def foreseen(
        self, subject: Wish | tuple[Reply, StoredPicture]
    ) -> tuple[tuple[int | None, Plan, Recalled, str], ...]:
        """What words about a picture would come to, before anything is drawn of it.

        Which picture, its plan, what the plan was made of, and the language of the words.
        """
        if isinstance(subject, Wish):
            recalled = await self._sent(subject)
            words = _with_flags(subject)
        else:
            words = said_in_reply(subject[0].words, self._drafting.offers).words
            recalled = await self._recalled(subject[0].origin, subject[1])
        understood = await self._understood(words, recalled)
        found = groups(understood.intents, 1).items()
        return tuple(
            (pick, self._revisor.planned(group, recalled), recalled, understood.language)
            for pick, group in found
        )

    async def of_upload(self, wish: Wish) -> tuple[Answer, ...] | None:
        """What words about a picture that somebody sent come to; it is the wish's start.

        None: the words describe a picture, and are drawn as they are.  Raises as `reply`.
        """
        [start, *_] = wish.draft.inputs
        words = _with_flags(wish)
        reply = Reply(origin=wish.origin, words=words, notes=wish.notes)
        ours = await self._gallery.of_file(Asker.of(wish.origin), start.sha256)
        if ours:
            return await self.reply(reply, ours[:1])
        recalled = await self._sent(wish)
        understood = await self._understood(words, recalled)
        [(_, group), *_] = groups(understood.intents, 1).items()
        plan = self._revisor.planned(group, recalled)
        described = plan.kind in (IntentKind.REWRITE, IntentKind.ASK) and not recalled.known
        if described or not (plan.prompt.strip() or plan.instruction):
            return None
        return await self._answers(reply, group, (recalled,), understood.language)

    async def _sent(self, wish: Wish) -> Recalled:
        """A picture that somebody sent: as the recipe in it says, or as it would be drawn over.

        Where that recipe's model is not here, its words still are.
        """
        [start, *_] = wish.draft.inputs
        carried = await self._carried(start.sha256)
        here = self._here(carried)
        recipe = here or await self._drawn_over(wish)
        shown = carried.described if carried is not None else ""
        answered = answered_of(recipe, prompt=shown, negative=None, style=None)
        known = here is not None
        return Recalled(recipe=recipe, file=start.sha256, answered=answered, known=known)

    async def _recalled(self, origin: Origin, picture: StoredPicture, count: int = 1) -> Recalled:
        """A picture of ours; one that nothing here drew is gone on with as one that was sent is."""
        found = await self._recall.of(picture, count=count)
        if found.drawn_by is not None or found.recipe.family:
            return found
        start = Draft(words=DraftWords(prompt=""), inputs=(init_from(found.file),))
        return replace(found, drawn_by=await self._drawn_over(Wish(origin=origin, draft=start)))

    async def _drawn_over(self, wish: Wish) -> Recipe:
        """The recipe by which a sent picture would be drawn over, without any words."""
        nothing = replace(wish.draft, words=replace(wish.draft.words, prompt=""))
        drafted = await self._drafting.draft(
            replace(wish, draft=nothing), NOBODY, device="cpu", plainly=True
        )
        return drafted.recipes[0]

    async def _carried(self, file: Sha256) -> Recipe | None:
        """The recipe that a file carries."""
        data = await asyncio.to_thread(self._stores.files.read, file)
        try:
            found = await self._opening.carried(data)
        except Unacceptable:
            return None
        return found[0] if found is not None else None

    def _here(self, recipe: Recipe | None) -> Recipe | None:
        """A stranger's recipe, if it can be drawn here."""
        try:
            return self._drafting.for_somebody(recipe) if recipe is not None else None
        except (Unacceptable, PromptingError):
            return None

    async def _understood(self, words: str, recalled: Recalled) -> Understood:
        """What the words ask for, said of that picture."""
        catalog = self._drafting.offers.catalog
        shown = recalled.answered.shown(
            models=[entry.name for entry in catalog.models()],
            loras=[entry.name for entry in catalog.entries("lora")],
        )
        await asyncio.sleep(0)
        return await self._drafting.phrasing.understood(words, shown)

    async def _answers(
        self, reply: Reply, group: Sequence[Intent], meant: Sequence[Recalled], language: str
    ) -> tuple[Answer, ...]:
        """What the intents about these pictures come to."""
        plan = self._revisor.planned(group, meant[0])
        match plan.kind:
            case IntentKind.NONE:
                return (Remarked(),)
            case IntentKind.ASK:
                count = meant[0].answered.count
                return (Remarked(text=question(language, plan.question, count)),)
            case IntentKind.INFO if meant[0].known:
                return tuple(Remarked(text=_facts(one, plan.remark)) for one in meant)
        if plan.kind in _OF_OURS:
            return await self._of_ours(reply, plan.kind, [one.picture for one in meant], meant[0])
        if plan.means is Means.NOTHING:
            return (Remarked(text=plan.said),)
        return (Underway(request=await self._revisor.draw(reply, group, meant)),)

    async def _of_ours(
        self,
        reply: Reply,
        kind: IntentKind,
        meant: Sequence[StoredPicture | None],
        first: Recalled,
    ) -> tuple[Answer, ...]:
        """What can be done with pictures that were drawn here, and with no others."""
        pictures = [picture for picture in meant if picture is not None]
        if not pictures:
            return (Remarked(text=tr(lines.NOT_MINE)),)
        asker, picture = Asker.of(reply.origin), pictures[0]
        match kind:
            case IntentKind.UNDO:
                found = await self.before(asker, picture)
                return (ShownAgain(picture=found, text=lines.back_to(found.id)),)
            case IntentKind.PICK:
                return (ShownAgain(picture=picture, text=lines.chosen(picture.id)),)
            case IntentKind.DELETE:
                return (await self._deletion(asker, pictures, first.answered.count),)
        return tuple(
            [
                Underway(request=await self._requests.reproduce(one.id, reply.origin))
                for one in pictures[:1]
            ]
        )

    async def _deletion(self, asker: Asker, pictures: Sequence[StoredPicture], of: int) -> Answer:
        request = await self._gallery.to_act_on(
            asker, pictures[0].request, "delete another person's picture"
        )
        # One that is shown once more, alone, may be one of several, too.
        drawn = await self._gallery.of_request(asker, request.id)
        if len(pictures) < max(of, len(drawn)):
            return Remarked(text=lines.together(len(drawn)))
        return ToDelete(request=request)

    # -- going back --------------------------------------------------------------------------

    async def before(self, asker: Asker, picture: StoredPicture) -> StoredPicture:
        """The picture that this one was made of.  Raises NothingBefore, or Missing."""
        if picture.parent is None:
            raise NothingBefore
        found = await self._gallery.picture(asker, picture.parent)
        if found.deleted or not found.kept:
            raise Missing("file", found.png_sha256)
        return found

    async def shown_again(self, asker: Asker, picture: PictureId) -> tuple[StoredPicture, bytes]:
        """A picture with its bytes, to be shown once more.  Raises Missing."""
        found = await self._gallery.picture(asker, picture)
        return found, await asyncio.to_thread(self._stores.files.read, found.png_sha256)

    async def note_shown(
        self, asker: Asker, picture: PictureId, *, message: int, channel: int
    ) -> None:
        """Remember that a message shows it once more, so that a reply to it finds the picture."""
        await self._gallery.picture(asker, picture)
        await self._stores.pictures.reposted(picture, message, channel)

    async def shown_in(self, asker: Asker, request: RequestId) -> frozenset[tuple[int, int]]:
        """(channel, message) of all that show its pictures, for whoever may delete them."""
        await self._gallery.to_act_on(asker, request, "delete another person's picture")
        posted = await self._stores.pictures.of_request(request)
        first = {(one.channel, one.message) for one in posted if one.message is not None}
        return frozenset({*first, *await self._stores.pictures.reposts(request)})


def _with_flags(wish: Wish) -> str:
    """The words about a picture that was sent, with the parameters that were taken out of them."""
    return f"{wish.draft.words.prompt or ''} {wish.flags}".strip()


# What needs a picture that was drawn here.
_OF_OURS = (
    *(IntentKind.UNDO, IntentKind.PICK, IntentKind.DELETE),
    *(IntentKind.REPRODUCE, IntentKind.INFO),
)

# What is said of no picture in particular is said of all that are shown.
_OF_ALL = (
    *(IntentKind.AGAIN, IntentKind.PARAMETERS, IntentKind.DELETE),
    *(IntentKind.INFO, IntentKind.NONE),
)


def _meant(
    pictures: Sequence[StoredPicture], pick: int | None, group: Sequence[Intent], usual: int
) -> Sequence[StoredPicture]:
    """The pictures that a group of intents is about; `usual`: the one without a number."""
    if pick is not None:
        return pictures[pick - 1 : pick]
    counted = any(setting.name == "count" for intent in group for setting in intent.settings)
    of_all = all(intent.kind in _OF_ALL for intent in group) and not counted
    return pictures if of_all else pictures[usual - 1 : usual]


def _which(pick: int | None, usual: int, count: int, others: Sequence[int]) -> tuple[str, ...]:
    """From which of the pictures that are shown or named it is drawn, where that is not plain."""
    if others:
        return (lines.alone(pick or usual, others),)
    return (lines.taken(usual, count),) if count > 1 and pick is None else ()


def _facts(recalled: Recalled, asked: str) -> str:
    said = lines.facts(recalled.answered, asked)
    return f"#{recalled.picture.id}: {said}" if recalled.picture is not None else said
