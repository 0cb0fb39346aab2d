"""What strangers may choose stands in our messages as one short line that formats nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dispatch.audience import Outcome, Phase, Progress
from bot.pages import preset_pages, replies, settings_page
from bot.pages.apologies import apology_for, apology_for_reason
from bot.pages.choosing import picture_choice
from bot.pages.differences import change_of, words_changed
from bot.pages.proposals_page import proposals
from bot.pages.queue_page import Reader, queue_page
from bot.pages.quoting import code, plain, quoted
from bot.pages.recipe_page import recipe_page
from bot.studio.saved_drafts import SavedDraft
from generation import errors as g
from generation.draft import DraftWords
from generation.picture import Comparison, Environment, Verdict
from generation.queue.fair_queue import QueueFull, TooLong
from generation.reasons import Reason, reason_of
from generation.recipe import Adapter, Input, Recipe, Weights
from generation.tasks import Task
from prompting import errors as p
from prompting.assist import Assisted
from storage import errors as s
from storage.people import Level, Preferences
from storage.pictures import StoredPicture
from storage.presets import Owned, StoredPreset
from storage.scores import PictureScore
from storage.tickets import RequestId, State
from storage.words import Wording
from tests.given.builders import ANN, a_digest, a_recipe, changed

EVIL = (
    "x` `` ```\n# FREE [click](https://evil.example) **bold** ||spoiler|| <@1> <@&2> @everyone "
    "@here <#3> ~~gone~~\n> said\n-# small\u202eback\u2066\x1b[2J\u200b"
)
# What must not stand in a message outside of code without a backslash before it.
FORMATS = re.compile(r"(?<!\\)(?:\[click\]|\*\*bold|\|\|spoiler|<[@#]|~~gone)|@(?:everyone|here)\b")
LINES = re.compile(r"^(?:# FREE|> said|-# small)", re.MULTILINE)


def outside_code(text: str) -> str:
    """The message without its blocks of code and its inline code."""
    text = re.sub(r"```.*?```", "CODE", text, flags=re.DOTALL)
    return re.sub(r"(?<!\\)`[^`\n]+`", "CODE", text)


def hostile_recipe() -> Recipe:
    weights = Weights(name=EVIL, sha256=a_digest())
    return changed(
        a_recipe(),
        family=EVIL,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(Input(role="init", sha256=a_digest("b"), fit=EVIL),),
        prompt=EVIL,
        negative_prompt=EVIL,
        checkpoint=weights,
        vae=weights,
        adapters=(Adapter(kind=EVIL, weights=weights, strength=1.0, control=None),),
        syntax=EVIL,
        sampler=EVIL,
        scheduler=EVIL,
    )


EVIL_EYES = Weights(name=EVIL, sha256=a_digest())


def an_assisted() -> Assisted:
    return Assisted(
        prompt=EVIL,
        negative=EVIL,
        wish="",
        slots=None,
        raw="",
        writer=EVIL,
        digest="",
        template="",
        seed=1,
        seconds=0.0,
        note=EVIL,
        dialect="starter",
        style=EVIL,
    )


def filled(kind: type[Any], **known: Any) -> Any:
    """A value of ours with EVIL in every text that is not given."""
    fields = kind.__dataclass_fields__
    usual = {name: EVIL if "str" in str(f.type) else 1 for name, f in fields.items()}
    return kind(**{**usual, **known})


def a_picture() -> StoredPicture:
    environment = filled(Environment, threads=1)
    picture: StoredPicture = filled(
        StoredPicture,
        recipe=hostile_recipe(),
        environment=environment,
        words=EVIL,
        pixels_sha256=a_digest(),
        png_sha256=a_digest(),
        latents_sha256=a_digest(),
        deleted=False,
        score=PictureScore(value=0.3, scorer=EVIL_EYES),
    )
    return picture


class Told:
    """A request or ticket of which a message shows these facts."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


def an_outcome() -> Outcome:
    origin: Any = Told(owner=5, guild=1, channel=2)
    facts: dict[str, Any] = {"words": EVIL, "origin": origin, "notes": (EVIL,)}
    facts |= {"parent": 3, "reproduces": None, "revision": None, "sheet": None}
    request: Any = Told(**facts, scorer=EVIL_EYES)
    bad: Any = Told(state=State.FAILED, reason=reason_of(g.RenderFailed(EVIL)))
    return Outcome(
        request=request,
        tickets=(bad,),
        pictures=(a_picture(),),
        files=(),
        comparison=Comparison(verdict=Verdict.ELSEWHERE, differences=(EVIL, EVIL)),
        wording=Wording(assisted=an_assisted(), own_negative=EVIL),
    )


def a_standing(phase: Phase) -> Progress:
    return Progress(
        request=RequestId(1),
        owner=5,
        phase=phase,
        done=0,
        total=1,
        ahead=0,
        starts_in=0.0,
        ready_in=12.0,
        loading=EVIL,
        step=5,
        steps=20,
        preview=b"",
        words=EVIL,
    )


def the_errors() -> Iterator[Exception]:
    yield g.OutOfRange("size", EVIL, "such as 512x512")
    yield g.NoSuchName("sampler", EVIL, (EVIL,), (EVIL, EVIL))
    yield g.NotHere("sampler", EVIL, (EVIL,))
    yield g.NotPresent("checkpoint", EVIL, a_digest())
    yield g.NotPresent("lora", EVIL, a_digest())
    yield g.WrongFamily("lora", EVIL, "SDXL", EVIL, "SD 1.x")
    yield g.PickleRefused(EVIL)
    yield g.BrokenWeights(EVIL, EVIL)
    yield g.MissingWeights(EVIL, a_digest())
    yield g.WeightsChanged(EVIL, a_digest(), a_digest("b"))
    yield g.UnusableWeights(EVIL, EVIL)
    yield g.RenderFailed(EVIL)
    yield g.WorkerDied(EVIL)
    yield g.Unacceptable(EVIL)
    yield p.UnknownName("style", EVIL, (EVIL,))
    yield p.Declined(EVIL, "wish")
    yield p.TooMany("pictures", 10**400, 32)
    yield p.Unreadable("answer", EVIL, EVIL)
    yield QueueFull(5, 4, "jobs")
    yield TooLong(6554.0, 1800.0)
    yield s.Missing("picture", EVIL)


def everything() -> Iterator[tuple[str, str]]:
    """Every text that is shown of what a stranger may have written."""
    recipe, picture = hostile_recipe(), a_picture()
    yield "settings_line", replies.settings_line(recipe)
    yield "result", replies.result(an_outcome())
    yield "recipe_page", recipe_page(picture)[0]
    yield "picture_choice", picture_choice(picture)
    for before, after in ((a_recipe(), recipe), (recipe, a_recipe())):
        yield "differences", change_of(before, after)
        yield "words", words_changed(before.prompt, f"{before.prompt} {after.prompt}")
    yield "cancelled", replies.cancelled(EVIL)
    yield "proposals", proposals([an_assisted()], [EVIL])
    yield "verdict", replies.verdict(an_outcome().comparison, None)  # type: ignore[arg-type]
    mine = Preferences(
        model=EVIL, negative_prompt=EVIL, style=EVIL, sampler="euler", scheduler="normal"
    )
    yield "preferences", settings_page.place_page(mine, Level.SERVER)
    saved = SavedDraft(
        words=DraftWords(negative_prompt=EVIL), style=EVIL, vae=EVIL, suffix=EVIL, model=EVIL_EYES
    )
    text, owner = saved.dump(), Owned(level=Level.PERSON, id=5)
    preset = StoredPreset(owner=owner, name=EVIL, text=text, author=ANN, saved=0.0)
    yield "presets", preset_pages.presets_page([preset], preset)
    yield "preset", preset_pages.preset_page(preset, [EVIL])
    yield "preset saved", preset_pages.saved_page(EVIL, Level.PERSON, saved, again=True)
    yield "preset used", preset_pages.used_page(preset)
    for phase in Phase:
        standing = a_standing(phase)
        yield f"progress {phase}", replies.progress(standing, 0.0)
        for reader in (5, 6):
            yield f"queue {phase}", queue_page([standing], Reader(id=reader, guild=None))
    for error in the_errors():
        yield type(error).__name__, apology_for(error)
        said = Reason(kind=type(error).__name__, told=EVIL)
        for name, reason in (("reason", reason_of(error)), ("old reason", said)):
            yield f"{name} {type(error).__name__}", quoted(apology_for_reason(reason))


@pytest.mark.parametrize(
    ("where", "text"), [pytest.param(w, t, id=f"{n} {w}") for n, (w, t) in enumerate(everything())]
)
def test_no_text_of_ours_carries_a_strangers_markdown(where: str, text: str) -> None:
    text = text.replace("<@5>", "")  # whose picture it is
    if where != "picture_choice":  # a choice formats nothing
        assert not FORMATS.search(outside_code(text)), text
        assert text.count("```") in (0, 2)
    assert not LINES.search(outside_code(text)), text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\x00]", text), text
    assert len(text) <= 2000


@given(st.text(max_size=500), st.integers(1, 400))
def test_quoted_words_are_one_short_line(words: str, limit: int) -> None:
    for shown in (plain(words, limit), quoted(words, limit), code(words, limit)):
        assert len(shown.splitlines()) <= 1
        unseen = (c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp"))
        assert not list(unseen)
        shown.encode()
    assert len(plain(words, limit)) <= limit
    inner = code(words, limit)
    assert inner == "nothing" or (inner.count("`") == 2 and inner[0] == inner[-1] == "`")


def test_emoji_and_scripts_that_need_joiners_stay_whole() -> None:
    family, scotland = "👨\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e007f"
    for words in (family, scotland, "می\u200cخواهم", "龙", "ＡＢＣ"):
        assert plain(words) == words
