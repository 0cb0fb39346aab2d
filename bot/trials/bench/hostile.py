"""What the event loop pays for a text that somebody made to cost much.

Every reader of people's words is given every text of `hostile_texts`, as long as Discord lets one
be; what counts is the longest time of the processor between two moments at which the loop could do
something else.  The promise is 50 ms: a heartbeat, and everybody's commands, wait no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import time
from collections.abc import Callable, Coroutine, Generator
from dataclasses import replace
from pathlib import Path
from types import coroutine
from typing import Any, TypeVar

from bot.pages import replies
from bot.pages.help_pages import asks_for_help
from bot.pages.quoting import code, plain, quoted
from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.drafting import Drafting
from bot.studio.layers import NOBODY, RequestDraft
from bot.studio.model_folders import ModelFolders
from bot.studio.named_adapters import applied, marked
from bot.studio.notes import bounded
from bot.studio.offers import Offers
from bot.studio.pasting import WithSettings, filled_in, pasted_in
from bot.studio.phrasing import Phrasing
from bot.studio.remarks import of_words
from bot.studio.wishes import Wish, seed_named, sized
from bot.trials.bench.figure import Figure, Ground
from bot.trials.bench.hostile_texts import LONGEST, texts
from bot.trials.bench.keeping import RECIPE, somebody
from generation import names
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.recognition import Kind
from generation.draft import Checkpoint, Draft, DraftWords
from generation.errors import GenerationError
from generation.families.family import FAMILIES
from generation.interchange import infotext_grammar
from generation.interchange.infotext import infotext
from generation.recipe import Recipe, Sha256, Weights, dump, needed, parse
from generation.texts import clean_text
from prompting import wildcards
from prompting.assist import Assistant
from prompting.changes import understand
from prompting.changing.intents import ShownPicture
from prompting.errors import PromptingError
from prompting.reading import keep, markup, opaque
from prompting.reading.lexicon import built_in
from prompting.reading.policy import Policy
from prompting.speaking.styles import built_in as styles
from prompting.writers import template
from prompting.writers.ladder import Opened, WriterConfig
from prompting.writers.writer import Answer, Ask
from storage.people import AssistMode

TARGET = 50.0  # ms of the processor
TRIES = 3  # the least counts: what others do with the processor is not the text's doing
WORDS = ("nude", "blood", "two words", "裸", "ass")
ALLOWED = ("blood orange", "smart ass")
COUNT = 8  # pictures of one wish
EACH = 200  # models, LoRAs and embeddings of an owner

T = TypeVar("T")
Reader = Callable[[str], object]


class _Echo:
    """A writer that repeats the wish, reading any word itself or none."""

    digest, template, name = "0" * 64, template.VERSION, "echo"

    def __init__(self, placeholders: int) -> None:
        self.placeholders = placeholders

    async def write(self, ask: Ask) -> Answer:
        """The wish as its own subject."""
        await asyncio.sleep(0)
        subject = " ".join(c for c in ask.text.split() if c.isprintable())[:600]
        return Answer(raw=template.answer(subject=subject or "nothing"), seconds=0.0)

    async def close(self) -> None:
        """There is nothing to close."""


class Longest:
    """The longest piece of work between two moments at which a loop could do something else."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses = 0

    @coroutine
    def of(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Await the work, and note how long it took from one pause to the next."""
        sent: Any = None
        while True:
            began = time.process_time()
            try:
                pause = work.send(sent)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            finally:
                self.seconds = max(self.seconds, time.process_time() - began)
            self.pauses += 1
            sent = yield pause


def readers() -> dict[str, Reader]:
    """Everything that reads people's words at once, by name."""
    lexicon, library = built_in(), styles()
    policy, free = Policy(WORDS, allowed=ALLOWED), Policy()
    catalog = _Full()
    model = Checkpoint(weights=Weights(name="m", sha256=Sha256("a" * 64)), family=FAMILIES["sd15"])
    lists = {"a": ("cat", "a {red|blue} dog"), "b/c-d": ()}

    def kept(text: str) -> object:
        # A longer wish is a prompt already, and no writer's answer is compared with it.
        wish = opaque.read(text[:600])
        return keep.missing(wish, text[:600], lexicon=lexicon), keep.contradictions(
            wish, text[:600], lexicon=lexicon
        )

    def stranger(text: str) -> object:
        return parse(dump(RECIPE).replace(RECIPE.prompt, text.replace('"', "").replace("\\", "")))

    def told(text: str) -> object:
        return bounded((text, text)), replies.with_what_was_typed(text, text)

    return {
        "policy": policy._find,  # what was judged before costs nothing
        "policy without words": free.found,
        "wildcards.count": wildcards.count,
        "wildcards.permutations": lambda text: wildcards.permutations(text, limit=32),
        "wildcards.expand": lambda text: wildcards.expand(text, seed=1, lists=lists),
        "markup": markup.read,
        "networks": lambda text: applied(
            Draft(words=DraftWords(prompt=text, negative_prompt=text)), catalog, model
        ),
        "marked": lambda text: marked(text, catalog),
        "pasted": infotext_grammar.pasted,
        "pasting": _pasted_into_a_wish,
        "clean_text": lambda text: clean_text("prompt", text),
        "opaque.read": opaque.read,
        "opaque.clean": opaque.clean,
        "language": lexicon.language,
        "keep": kept,
        "remarks": lambda text: list(of_words((text,), "starter")),
        "size": lambda text: sized(Draft(), text, FAMILIES["sd15"]),
        "seed": seed_named,
        "sampler": names.sampler,
        "scheduler": names.scheduler,
        "style": library.find,
        "model": catalog.find,
        "recipe": stranger,
        "infotext": lambda text: infotext(_recipe(text)),
        "quoted": quoted,
        "plain": plain,
        "code": code,
        "told": told,
        "help": asks_for_help,
        "reply": lambda text: understand(text, ShownPicture(prompt="a red flower")),
    }


def worst(reader: Reader, corpus: dict[str, str], tries: int = TRIES) -> tuple[float, str]:
    """The seconds of the processor that the dearest text costs, and which one that is."""
    found = {name: cost(reader, text, tries) for name, text in corpus.items()}
    name = max(found, key=lambda name: found[name])
    return found[name], name


def cost(reader: Reader, text: str, tries: int = TRIES) -> float:
    """The seconds of the processor that a text costs; a refusal is an answer."""
    took = []
    for _ in range(tries):
        fresh = never_read(text)
        began = time.process_time()
        with contextlib.suppress(PromptingError, GenerationError):
            reader(fresh)
        took.append(time.process_time() - began)
        if took[-1] < TARGET / 1000 / 4:
            break  # far from the target: once is enough
    return min(took)


def never_read(text: str) -> str:
    """The text, as long as it is, with a begin that no text had before.

    Readers remember what they read, some of them only the begin, and some share that memory: the
    same text once more would time a look-up.
    """
    mark = f"{next(_MARKS)} "
    return f"{mark}{text[: len(text) - len(mark)]}"


_MARKS = itertools.count(100_000)  # all of them are of one length


async def hostile(_: Ground) -> tuple[Figure, ...]:
    """Every text through every reader; then through all of them together, as a wish."""
    corpus, known = texts(), readers()
    # As `run` does at its start: what is here is not looked through again.
    gc.collect()
    gc.freeze()
    try:
        found = {name: worst(reader, corpus) for name, reader in known.items()}
        found["assist"] = await _assisted(0, corpus)
        found["assist (built in)"] = await _assisted(8, corpus)
        found["a wish"] = await _wished(corpus)
    finally:
        gc.unfreeze()
    return tuple(
        _figure(name, seconds, which, len(corpus)) for name, (seconds, which) in found.items()
    )


def _figure(name: str, seconds: float, which: str, number: int) -> Figure:
    return Figure(
        name=f"hostile_{name}".replace(" ", "_").replace(".", "_"),
        what=f"a hostile text: {name}",
        value=seconds * 1000,
        target=TARGET,
        unit="ms",
        processor=True,
        how=f"the dearest of {number} texts of {LONGEST} letters, {which}; time of the processor",
    )


async def _assisted(placeholders: int, corpus: dict[str, str]) -> tuple[float, str]:
    """A wish with a writer, and /enhance: of short wishes and of long ones."""
    assistant = Assistant(_Echo(placeholders), policy=Policy(WORDS, allowed=ALLOWED))
    found: dict[str, float] = {}
    for name, text in corpus.items():
        for size in (LONGEST, 550):
            longest = Longest()
            one, other = never_read(text[:size]), never_read(text[:size])
            negative = never_read(text)
            for work in (
                assistant.assist(
                    one, dialect="sdxl", seed=1, style="watercolor", negative=negative
                ),
                assistant.propose(other, dialect="starter", seed=1),
            ):
                with contextlib.suppress(PromptingError, GenerationError):
                    await longest.of(work)
            found[name] = max(found.get(name, 0.0), longest.seconds)
    name = max(found, key=lambda name: found[name])
    return found[name], name


async def _wished(corpus: dict[str, str]) -> tuple[float, str]:
    """/imagine of eight pictures, prompt and negative prompt alike."""
    catalog = _Full()
    model = Checkpoint(weights=Weights(name="m", sha256=Sha256("a" * 64)), family=FAMILIES["sd15"])
    prompt_assist = PromptAssist(
        WordSettings(assist=AssistMode.ON, forbidden=WORDS, allowed=ALLOWED), open_=_nobody
    )
    offers = Offers(
        catalog=catalog,
        folders=ModelFolders(catalog),
        styles=prompt_assist.styles,
        default_model=lambda: model,
    )
    drafting = Drafting(
        offers=offers,
        phrasing=Phrasing(prompt_assist, offers, dice=lambda: 1),
        house=RequestDraft(assist=prompt_assist.mode),
        max_count=COUNT,
        dice=lambda: 1,
    )
    found: dict[str, float] = {}
    for name, text in corpus.items():
        longest = Longest()
        with contextlib.suppress(PromptingError, GenerationError):
            await longest.of(drafting.draft(_a_wish(text), NOBODY, device="cpu"))
        found[name] = longest.seconds
    name = max(found, key=lambda name: found[name])
    return found[name], name


async def _nobody(_: WriterConfig) -> Opened:
    return Opened(writer=None, notes=())


def _pasted_into_a_wish(text: str) -> object:
    wish = _a_wish(text)
    return filled_in(WithSettings(wish=wish, imported=pasted_in(wish)), FAMILIES["sd15"], "m")


def _a_wish(text: str) -> Wish:
    # The assistant adds to a negative prompt, which would then be too long.
    words = DraftWords(prompt=never_read(text), negative_prompt=never_read(text[:5500]))
    return Wish(origin=somebody(), draft=Draft(words=words), count=COUNT)


def _recipe(text: str) -> Recipe:
    text = text.encode(errors="ignore").decode()  # no recipe holds half a character
    words = replace(needed(RECIPE.words), prompt=text, negative_prompt=text)
    return replace(RECIPE, words=words)


class _Full(Catalog):
    """A catalog as large as an owner's may be, with names that the texts say."""

    def __init__(self) -> None:
        super().__init__((), Path("nowhere"))
        kinds: tuple[Kind, ...] = ("checkpoint", "lora", "embedding")
        said = ("a", "x", "w1", "lora", "nu", "red", "cat")
        self._entries = tuple(
            Entry(
                name=name,
                path=Path(name),
                weights=Weights(name=name, sha256=Sha256(f"{number:064x}")),
                family="sd15",
                kind=kind,
                size_bytes=1,
                title=name,
            )
            for number, (kind, name) in enumerate(
                (kind, name)
                for kind in kinds
                for name in (*said, *(f"some_{kind}-v{n} fp16" for n in range(EACH)))
            )
        )
