"""The revisor: draws what the intents of a reply make of pictures, as one request.

Invariant: recipes differ from the picture's own in what its plan is about, and in nothing else; the
line that is stored with the request is written from that difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.studio import lines
from bot.studio.abilities import Ability
from bot.studio.changes import Means, Plan, planned
from bot.studio.crossing import GivenWork, extended, filmed, formed, voiced
from bot.studio.crossings import Crossings
from bot.studio.defaults import Defaults
from bot.studio.device import DrawingDevice
from bot.studio.drafting import Drafting
from bot.studio.enlarging import USUAL_FACTOR, Larger, larger
from bot.studio.gallery import Gallery
from bot.studio.layers import Around, Drafted
from bot.studio.offers import Offers
from bot.studio.phrasing import NothingNew, Phrasing
from bot.studio.recalling import WORDLESS, Recalled
from bot.studio.requests import Requests
from bot.studio.revising import (
    Start,
    in_region,
    kept,
    loras_of,
    start_of,
    told_of,
    wish_of,
    with_one_place,
)
from bot.studio.rights import Asker
from bot.studio.wishes import Wish, init_from, seeds
from generation.catalog.entry import Entry
from generation.difference import difference
from generation.draft import UNSAID, Draft, DraftSampling, DraftWords, complete, picked
from generation.draft_spans import DraftMotion, DraftSound
from generation.families.family import family
from generation.families.model_family import Family
from generation.media.photos import InputFacts
from generation.recipe import Recipe, needed
from generation.tasks import IMAGE, VIDEO, Task
from prompting.assist import Assisted
from prompting.changing.intents import Intent, IntentKind
from storage.pictures import PictureId
from storage.requests import Origin
from storage.revisions import Revision
from storage.tickets import Request
from storage.words import Wording

_ABILITIES = {Task.IMAGE_TO_IMAGE: Ability.IMG2IMG, Task.OUTPAINT: Ability.OUTPAINT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What somebody says to pictures."""

    origin: Origin
    words: str
    picked: PictureId | None = None  # which of several is picked in the message that shows them
    notes: tuple[str, ...] = ()  # what is to be said beside the new picture already


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One picture's plan, and what it became."""

    plan: Plan
    start: Start
    drafted: Drafted
    line: str


class Revisor:
    """Makes plans of intents, and requests of plans."""

    def __init__(
        self,
        *,
        gallery: Gallery,
        drafting: Drafting,
        requests: Requests,
        defaults: Defaults,
        device: DrawingDevice,
        crossings: Crossings,
    ) -> None:
        self._gallery, self._drafting, self._requests = gallery, drafting, requests
        self._defaults, self._device, self._crossings = defaults, device, crossings

    def planned(self, group: Sequence[Intent], recalled: Recalled) -> Plan:
        """What the intents come to for that picture.  Raises OutOfRange."""
        able = able_of(recalled, self._drafting.offers)
        return planned(group, recalled.answered, able, self._drafting.offers.styles)

    async def draw(
        self, reply: Reply, group: Sequence[Intent], meant: Sequence[Recalled]
    ) -> Request:
        """Draw what the intents make of these pictures.

        Raises what `Requests.submit` raises, and Missing where somebody may not start from them.
        """
        made = [await self._made(reply.origin, group, recalled) for recalled in meant]
        first, before = made[0], meant[0]
        revision = Revision(
            typed=reply.words,
            kind=first.plan.kind,
            said=first.line,
            base=first.start.base,
            changes=first.start.changes,
        )
        return await self._requests.queue_up(
            reply.origin,
            [recipe for one in made for recipe in one.drafted.recipes],
            words=first.plan.prompt,
            parent=before.picture.id if before.picture is not None else None,
            wording=first.drafted.wording,
            notes=(first.line, first.plan.said, *reply.notes, *first.drafted.notes),
            revision=revision,
        )

    async def _made(self, origin: Origin, group: Sequence[Intent], recalled: Recalled) -> _Made:
        """The recipes of the plan for one picture, and the line that says what changes."""
        plan = self.planned(group, recalled)
        start = start_of(plan, recalled)
        await self._check(Asker.of(origin), plan, recalled, start)
        around = await self._defaults.around(
            Wish(origin=origin, draft=UNSAID, after=recalled.recipe)
        )
        device = await self._device.wait()
        if plan.means is Means.CROSS:
            wish = await self._crossed(plan, recalled, origin)
            drafted = await self._drafting.draft(wish, around, device=device)
        else:
            drafted = await revised(self._drafting, plan, recalled, origin, around, device=device)
        return _Made(
            plan=plan,
            start=start,
            drafted=drafted,
            line=line_of(plan, recalled, drafted.recipes[0]),
        )

    async def _crossed(self, plan: Plan, recalled: Recalled, origin: Origin) -> Wish:
        """The wish for another medium, or for what follows a clip.  Raises NoMaker."""
        source = _source(recalled)
        new = plan.settings
        draft = Draft(
            words=DraftWords(prompt=plan.prompt),
            sampling=DraftSampling(steps=new.steps, cfg=new.cfg),
            motion=DraftMotion(frames=new.frames, fps=new.fps),
            sound=DraftSound(seconds=new.seconds, bpm=new.bpm),
        )
        wish = Wish(origin=origin, draft=draft, model=new.model, seed=new.seed, count=new.count)
        offers = self._drafting.offers
        match plan.kind:
            case IntentKind.VIDEO:
                wish = filmed(wish, offers, source)
                return self._drafting.sized_like(wish, source.width, source.height)
            case IntentKind.SOUND:
                return voiced(wish, offers, source)
            case IntentKind.FORM:
                await self._crossings.check_object(source)
                return formed(wish, offers, source)
            case IntentKind.FRAME:
                return await self._crossings.stilled(wish, source, plan.moment)
        return extended(wish, offers, source, float(plan.amount) if plan.amount else None)

    async def _check(self, asker: Asker, plan: Plan, recalled: Recalled, start: Start) -> None:
        """Raise Missing where what it would be drawn from is not for whoever asks."""
        if recalled.picture is None:
            # They have sent it themselves; what it was drawn from they have not.
            if plan.means is Means.AGAIN and recalled.known:
                await self._gallery.check_strangers(asker, recalled.recipe)
            return
        if start.picture.sha256 == recalled.file:
            await self._gallery.check_start(asker, recalled.picture.id)
        await self._gallery.check_inputs(asker, [recalled.recipe])


async def revised(
    drafting: Drafting,
    plan: Plan,
    recalled: Recalled,
    origin: Origin,
    around: Around,
    *,
    device: str,
) -> Drafted:
    """The recipes of a plan, whatever the person's own settings say.  Raises Unacceptable."""
    words = await _spoken(drafting.phrasing, plan, recalled)
    if plan.means is Means.INSTRUCT:
        [editor, *_] = editors(recalled, drafting.offers)
        told = told_of(plan, recalled, origin, editor.name)
        drafted = await drafting.draft(told, around, device=device)
        return replace(drafted, wording=_wording(plan, words))
    if plan.means is Means.ENLARGE:
        wish = _larger(plan, recalled, origin, drafting.offers)
        return await drafting.draft(wish, around, device=device)
    wish = wish_of(plan, recalled, words, origin, drafting.dice)
    if plan.means is Means.REGION:
        wish = in_region(wish, plan, recalled, drafting.offers.segmenter())
    if plan.means is Means.AGAIN and recalled.recipe.task in WORDLESS:
        return _told_again(wish, recalled.recipe, drafting, around, device=device)
    drafted = await drafting.draft(wish, around, device=device)
    before = recalled.drawn_by or recalled.recipe
    adapters = loras_of(plan, before, drafting.offers)
    recipes = tuple(kept(plan, before, drawn, adapters) for drawn in drafted.recipes)
    return replace(drafted, recipes=recipes)


def _larger(plan: Plan, recalled: Recalled, origin: Origin, offers: Offers) -> Wish:
    """The very same picture with more pixels."""
    canvas = needed(recalled.recipe.canvas)
    facts = InputFacts(width=canvas.width, height=canvas.height, format="PNG", animated=False)
    shown = DraftWords(prompt=recalled.answered.prompt)
    wish = Wish(origin=origin, draft=Draft(words=shown), after=recalled.drawn_by)
    asked = Larger(factor=plan.factor or USUAL_FACTOR)
    return larger(wish, init_from(recalled.file), facts, asked, offers)


def _told_again(
    wish: Wish, recipe: Recipe, drafting: Drafting, around: Around, *, device: str
) -> Drafted:
    """The same instruction with other values; it is no wish, and nothing is looked for in it."""
    if recipe.sampling is None:
        raise NothingNew("picture")
    draft = replace(wish.draft, words=picked(DraftWords, recipe.words))
    model = needed(drafting.offers.checkpoint_of(recipe))
    used = seeds(wish.seed, wish.count or 1, around.counting, drafting.dice)
    recipes = tuple(complete(draft, model, seed=seed, device=device) for seed in used)
    return Drafted(recipes=recipes, wording=None)


def _wording(plan: Plan, words: Assisted | None) -> Wording | None:
    """A style that is in no instruction, for whoever goes on from the picture."""
    if words is None or plan.style is None:
        return None
    return Wording(assisted=words, own_negative=plan.negative)


async def _spoken(phrasing: Phrasing, plan: Plan, recalled: Recalled) -> Assisted | None:
    """The plan's words in its style; None where they are drawn as they are.

    What did not change is spoken as it was: also what an assistant once added to it.
    """
    recipe, answered = recalled.recipe, recalled.answered
    if plan.style is None and recalled.wording is None:
        return None
    its, prompt = phrasing.spoken_to(recalled.drawn_by or recipe), plan.prompt
    if its.few_words and recalled.revision is not None:  # a style of a picture where night fell
        prompt = with_one_place(prompt, recalled.revision.changes)
    spoken = await phrasing.spoken(
        prompt or plan.style or "",  # of what nobody described, the style is all that is said
        its,
        style=plan.style,
        negative=plan.negative,
    )
    if plan.style != answered.style or recipe.words is None or recipe.task in WORDLESS:
        return spoken
    if plan.negative == answered.negative:
        spoken = replace(spoken, negative=recipe.words.negative_prompt)
    if plan.prompt == answered.prompt:
        spoken = replace(spoken, prompt=recipe.words.prompt)
    return spoken


def able_of(recalled: Recalled, offers: Offers) -> Collection[Ability]:
    """What can be done here with a picture of that model."""
    its, medium = family_of(recalled), recalled.answered.medium
    reach = offers.reach
    others = {
        *({Ability.VIDEO} if reach.films else ()),
        *({Ability.SOUND} if reach.voices else ()),
        *({Ability.FORM} if reach.forms else ()),
        *({Ability.EXTEND} if reach.extends and medium == VIDEO else ()),
    }
    if medium != IMAGE:
        over = its is not None and Task.VIDEO_TO_VIDEO in its.tasks
        more = {Ability.IMG2IMG} if over else set[Ability]()
        return {*others, *more, *({Ability.UPSCALE} if medium == VIDEO else ())}
    return {*_of_a_picture(recalled, its, offers), *others}


def _of_a_picture(recalled: Recalled, its: Family | None, offers: Offers) -> set[Ability]:
    if its is None:  # what was enlarged is drawn over by the model that is usual here
        return {Ability.UPSCALE, Ability.IMG2IMG}
    able = {ability for task, ability in _ABILITIES.items() if task in its.tasks}
    if Task.INPAINT in its.tasks and offers.finds_regions:
        able.add(Ability.INPAINT)
    more = {Ability.INSTRUCT_EDIT} if editors(recalled, offers) else set()
    return {*able, *more, Ability.UPSCALE}


def family_of(recalled: Recalled) -> Family | None:
    """The family of what drew the picture; None: nothing here did, it was only made larger."""
    name = (recalled.drawn_by or recalled.recipe).family
    return family(name) if name else None


def editors(recalled: Recalled, offers: Offers) -> list[Entry]:
    """The models that change it as they are told to: first those of its own family.

    One that knows few things knows its own family's pictures alone.
    """
    its = family_of(recalled)
    if its is None:
        return []
    return [
        entry
        for entry in offers.editors(its)
        if entry.family == its.name or not family(entry.family).few_words
    ]


def _source(recalled: Recalled) -> GivenWork:
    """The answered work, as another is made of it."""
    answered = recalled.answered
    return GivenWork(
        file=recalled.file,
        medium=answered.medium,
        words=answered.prompt,
        width=answered.width,
        height=answered.height,
        seconds=answered.seconds,
        picture=recalled.picture,
    )


def line_of(plan: Plan, recalled: Recalled, recipe: Recipe) -> str:
    """What changes and what stays, as the two recipes say."""
    answered = recalled.answered
    changed = set(lines.called([c.name for c in difference(recalled.recipe, recipe)]))
    if plan.prompt == answered.prompt:
        changed.discard("words")  # another style is no other words
    # Of what somebody sent, nobody knows the seed.
    there = {"size", "model"} if recalled.picture is None else {"words", "seed", "size", "model"}
    if answered.style is not None:
        there.add("style")
        changed |= {"style"} if plan.style != answered.style else set()
    if answered.loras:
        there.add("LoRAs")
    return lines.change_line(plan.what, changed, there)
