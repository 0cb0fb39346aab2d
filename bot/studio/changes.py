"""A reply's intents, carried over to the picture that is answered: a plan for each new picture.

    intents + the answered picture + what can be done here  ▶  kind, means, words, settings, a line

Pure: neither recipes nor models, so that a plan can be shown before anything is drawn; who makes it
a wish is `bot.studio.changing`.  Invariant: what no intent is about is in no plan: words, negative
and style are the answered picture's, and `settings` holds only what was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.languages.speaking import tr
from bot.studio import lines
from bot.studio.abilities import Ability
from bot.studio.answered import Answered
from bot.studio.redrawing import redrawn
from bot.studio.settling import NOTHING_ASKED, Settled, settled
from bot.studio.which import NotThatMany
from prompting.changing.intents import (
    QUIET,
    AskedSetting,
    Aspect,
    ContentChange,
    Direction,
    Intent,
    IntentKind,
    Reworded,
)
from prompting.changing.rewording import reworded
from prompting.errors import UnknownName
from prompting.speaking.styles import Styles


class Means(StrEnum):
    """How a plan is carried out."""

    NOTHING = "nothing"  # no picture is drawn
    AGAIN = "again"  # the same recipe, with other values where some were asked
    REPRODUCE = "reproduce"
    WORDS = "words"  # from the words alone
    OVER = "over"  # over the picture, by `denoise`
    INSTRUCT = "instruct"  # by a model that follows `instruction`
    REGION = "region"  # only `region` is drawn anew
    VARY = "vary"
    ENLARGE = "enlarge"
    EXTEND = "extend"
    CROSS = "cross"  # into another medium, or on from its end: as `kind` says


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a reply comes to for one picture."""

    kind: IntentKind
    means: Means
    pick: int | None = None  # which of several pictures, from 1
    prompt: str  # of the new picture, without a style's words
    negative: str  # its own
    style: str | None  # a name of the style library
    settings: Settled = NOTHING_ASKED
    fresh: bool = False  # whether it is about another seed
    changes: tuple[ContentChange, ...] = ()
    denoise: float | None = None
    instruction: str = ""
    region: str = ""
    factor: float | None = None
    directions: tuple[str, ...] = ()
    moves: bool = False  # in that direction, in the same size
    amount: str | None = None
    moment: str = ""  # of a frame
    strength: str | None = None
    what: tuple[str, ...] = ()  # the changes, in a few words each
    said: str = ""  # why it is not as it was asked, or instead of a picture
    question: str = ""
    remark: str = ""


CONTENT = (IntentKind.EDIT, IntentKind.REWRITE, IntentKind.RESTYLE, IntentKind.INPAINT)

_MEANS: Mapping[IntentKind, Means] = {
    IntentKind.AGAIN: Means.AGAIN,
    IntentKind.PARAMETERS: Means.AGAIN,
    IntentKind.REPRODUCE: Means.REPRODUCE,
    IntentKind.VARY: Means.VARY,
    IntentKind.UPSCALE: Means.ENLARGE,
    IntentKind.OUTPAINT: Means.EXTEND,
    IntentKind.VIDEO: Means.CROSS,
    IntentKind.SOUND: Means.CROSS,
    IntentKind.FORM: Means.CROSS,
    IntentKind.EXTEND: Means.CROSS,
    IntentKind.FRAME: Means.CROSS,
}

# What a kind needs, and what is said where it is not there.
_NEEDS: Mapping[IntentKind, tuple[Ability, str]] = {
    IntentKind.VIDEO: (Ability.VIDEO, lines.NO_VIDEO),
    IntentKind.SOUND: (Ability.SOUND, lines.NO_SOUND),
    IntentKind.FORM: (Ability.FORM, lines.NO_FORM),
    IntentKind.EXTEND: (Ability.EXTEND, lines.NO_EXTENSION),
    IntentKind.OUTPAINT: (Ability.OUTPAINT, lines.NO_OUTPAINT),
    IntentKind.UPSCALE: (Ability.UPSCALE, lines.NO_UPSCALE),
}


def groups(intents: Sequence[Intent], count: int) -> Mapping[int | None, tuple[Intent, ...]]:
    """The intents by the picture that each is about; None: whichever is meant without a number.

    What is said of no picture beside others is said of all of them.  Raises NotThatMany.
    """
    found: dict[int | None, list[Intent]] = {}
    for intent in intents:
        for pick in intent.pick or (None,):
            if pick is not None and not 1 <= pick <= count:
                raise NotThatMany(pick, count)
            found.setdefault(pick, []).append(intent)
    common = found.pop(None, []) if len(found) > 1 else []
    return {pick: (*group, *common) for pick, group in found.items()}


def planned(
    group: Sequence[Intent], answered: Answered, able: Collection[Ability], styles: Styles
) -> Plan:
    """What the intents about one picture come to.  Raises OutOfRange."""
    main = _possible(_main(group), answered, able)
    if main.kind in CONTENT:
        return _of_content(main, group, answered, able, styles)
    asked = [s for intent in group for s in intent.settings]
    asked += [s for s in main.settings if s not in asked]
    new = settled(asked, answered)
    same = Plan(
        kind=main.kind,
        means=_MEANS.get(main.kind, Means.NOTHING),
        prompt=_crossed(main, answered),
        negative=answered.negative if new.negative is None else new.negative,
        style=answered.style,
        factor=main.factor,
        directions=main.directions,
        moves=main.moves,
        amount=main.amount,
        moment=main.moment,
        strength=main.strength,
        question=main.question,
        remark=main.remark,
        said=_unable(main.kind, answered, able) or _left(main, group),
    )
    if main.kind in QUIET:
        return same
    if new.style is not None:
        same = replace(same, style=_style(new.style, styles) or (new.style or None))
    what = (*lines.done(same.kind, main), *lines.settings_said(new, answered))
    fresh = main.kind is IntentKind.AGAIN and new.seed is None
    if (new.count or 1) > 1 and new.seed is None:
        fresh = True  # of one seed there is one picture
    same = replace(same, settings=new, what=what, fresh=fresh)
    if not _has(answered, main.kind):
        return replace(same, means=Means.NOTHING, said=tr(lines.NO_SIZE))
    lacking = _NEEDS.get(main.kind)
    return replace(same, means=Means.NOTHING) if lacking and lacking[0] not in able else same


def _possible(intent: Intent, answered: Answered, able: Collection[Ability]) -> Intent:
    """What comes nearest here.

    What spins is a form that turns; a clip in which it spins, where none can be made.  A sound goes
    on as one that is longer, and so does a clip that nothing here goes on from.
    """
    if intent.kind is IntentKind.EXTEND and Ability.EXTEND not in able and answered.seconds:
        more = float(intent.amount) if intent.amount else None
        longer = AskedSetting(name="seconds", value=more, direction=Direction.MORE)
        return replace(
            intent, kind=IntentKind.PARAMETERS, amount=None, settings=(*intent.settings, longer)
        )
    if intent.kind is IntentKind.FORM and intent.changes and Ability.FORM not in able:
        return replace(intent, kind=IntentKind.VIDEO) if Ability.VIDEO in able else intent
    return intent


def _has(answered: Answered, kind: IntentKind) -> bool:
    """Whether such a work has what the kind is about: a sound has no pixels."""
    return answered.medium in ("image", "video") or kind not in _OF_PIXELS


_OF_PIXELS = (IntentKind.UPSCALE, IntentKind.OUTPAINT, IntentKind.INPAINT, IntentKind.DESCRIBE)


def _crossed(intent: Intent, answered: Answered) -> str:
    """The words in another medium: with a motion behind them, or those of the sound that is meant.

    A form is what the picture shows, whatever moves there.
    """
    match intent.kind:
        case IntentKind.VIDEO:
            return reworded(answered.prompt, "", intent.changes).prompt
        case IntentKind.SOUND:
            return reworded("", "", intent.changes).prompt or answered.prompt
    return answered.prompt


def _main(group: Sequence[Intent]) -> Intent:
    """What the group is about: a change of the content, else the first that is no mere setting."""
    of_content = [intent for intent in group if intent.kind in CONTENT]
    others = [i for i in group if i.kind not in (IntentKind.PARAMETERS, IntentKind.PICK)]
    asked = [intent for intent in others if intent.kind is not IntentKind.AGAIN]
    if of_content and asked and asked[0].kind in (*CONTENT, IntentKind.AGAIN):
        return of_content[0]
    parameters = [intent for intent in group if intent.kind is IntentKind.PARAMETERS]
    return next(iter((*asked, *others, *parameters)), group[0])


def _of_content(
    main: Intent,
    group: Sequence[Intent],
    answered: Answered,
    able: Collection[Ability],
    styles: Styles,
) -> Plan:
    """Other words: the answered picture's with the changes in them, or new ones."""
    changes = tuple(change for intent in group for change in intent.changes)
    changes, tempo = _tempo(changes, answered)
    asked = [*_asked(group), *tempo]
    new = settled(asked, answered)
    wanted = next((i.style for i in group if i.style is not None), new.style)
    style = _style(wanted, styles) if wanted else None
    words = _reworded(main, group, answered, new, changes, wanted)
    plan = Plan(
        kind=main.kind,
        means=Means.OVER,
        prompt=words.prompt,
        negative=words.negative,
        style=style if wanted is not None else answered.style,
        settings=new,
        fresh=any(intent.kind is IntentKind.AGAIN for intent in group) and new.seed is None,
        changes=changes,
        denoise=new.denoise if new.denoise is not None else redrawn(changes, styled=bool(wanted)),
        instruction=words.instruction,
        region=next((i.region for i in group if i.region), words.region),
        what=_what(words, main, wanted, lines.settings_said(new, answered)),
        said=_left(main, group),
    )
    return _by_its_means(plan, answered, able)


def _tempo(
    changes: tuple[ContentChange, ...], answered: Answered
) -> tuple[tuple[ContentChange, ...], tuple[AskedSetting, ...]]:
    """ "slower" of music whose beats are counted, as a setting; other changes as they were."""
    ways = {"slow": Direction.LESS, "fast": Direction.MORE}
    paced = [c for c in changes if c.aspect is Aspect.SOUND and c.into in ways]
    if answered.bpm is None or not paced:
        return changes, ()
    settings = tuple(AskedSetting(name="bpm", direction=ways[c.into], slightly=True) for c in paced)
    return tuple(c for c in changes if c not in paced), settings


def _asked(group: Sequence[Intent]) -> list[AskedSetting]:
    return [setting for intent in group for setting in intent.settings]


def _reworded(
    main: Intent,
    group: Sequence[Intent],
    answered: Answered,
    new: Settled,
    changes: tuple[ContentChange, ...],
    style: str | None,
) -> Reworded:
    prompt = next((i.prompt for i in group if i.prompt is not None), answered.prompt)
    negative = answered.negative if new.negative is None else new.negative
    found = reworded(prompt, negative, changes, style)
    if main.kind is IntentKind.REWRITE and not found.instruction:
        return replace(found, instruction=prompt)
    return found


def _what(
    words: Reworded, main: Intent, style: str | None, settings: Iterable[str]
) -> tuple[str, ...]:
    said = words.said or (tr("new words") if main.kind is IntentKind.REWRITE else "")
    # What is reworded may say the style as well.
    styled = (
        tr("in {style}", style=style) if style and style.casefold() not in said.casefold() else ""
    )
    return tuple(part for part in (said, styled, *settings) if part)


def _by_its_means(plan: Plan, answered: Answered, able: Collection[Ability]) -> Plan:
    """The plan, carried out by the best that is here."""
    if answered.medium != "image":
        # A clip is drawn over where a model does it; a sound and a form are made anew.
        over = answered.medium == "video" and Ability.IMG2IMG in able
        return plan if over else replace(plan, means=Means.WORDS, denoise=None, region="")
    reshaped = plan.settings.width is not None or plan.settings.height is not None
    named = plan.kind is IntentKind.INPAINT
    if Ability.INPAINT in able and plan.region and named:
        return replace(plan, means=Means.REGION)
    if reshaped and not answered.redraws:
        return replace(plan, means=Means.WORDS, denoise=None)  # no part of it fits the new shape
    # How much is drawn anew can be asked of what is drawn over, and of no instruction.
    told = plan.kind is IntentKind.EDIT and plan.settings.denoise is None
    if Ability.INSTRUCT_EDIT in able and plan.instruction and told:
        return replace(plan, means=Means.INSTRUCT)
    if Ability.INPAINT in able and plan.region and plan.kind is IntentKind.EDIT:
        return replace(plan, means=Means.REGION)
    said = lines.no_region(plan.region) if named else plan.said
    if Ability.IMG2IMG in able:
        return replace(plan, said=said)
    return replace(plan, means=Means.WORDS, denoise=None, said=said)


def _style(name: str, styles: Styles) -> str | None:
    """The style of the library that is meant; None where the library has none."""
    try:
        return styles.find(name).name if name else None
    except UnknownName:
        return None


def _unable(kind: IntentKind, answered: Answered, able: Collection[Ability]) -> str:
    if kind is IntentKind.DESCRIBE and Ability.DESCRIBE not in able:
        return lines.described(answered.prompt)
    needs = _NEEDS.get(kind)
    return tr(needs[1]) if needs is not None and needs[0] not in able else ""


def _left(main: Intent, group: Sequence[Intent]) -> str:
    """What of the group is not in the plan that is about `main`."""
    together = (*CONTENT, IntentKind.PARAMETERS, IntentKind.PICK, IntentKind.AGAIN)
    left = [
        intent.kind.value
        for intent in group
        if intent.kind is not main.kind
        and intent.kind not in (IntentKind.NONE, *QUIET)
        and not (intent.kind in together and main.kind in (*together, IntentKind.VARY))
        and intent.kind not in (IntentKind.PARAMETERS, IntentKind.PICK)
    ]
    return lines.left_for_later(tuple(dict.fromkeys(left))) if left else ""
