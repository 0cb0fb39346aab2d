"""The prompt assistant: when a wish is given more words, by whom, and in which model's dialect.

Whatever happens to the language model, a wish goes through.  Nothing here is asked when a seed is
rolled again or a picture is reproduced.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from bot.dispatch.shared_card import SharedCard
from bot.languages.speaking import spoken as language
from bot.studio.booru_tags import BooruTags
from bot.studio.language_model import PATIENCE_SECONDS, AtHand, LanguageModel, Open
from bot.studio.reply_reader import ReplyReader
from bot.studio.words_on_card import guard
from generation.families.model_family import Family
from prompting import wildcards
from prompting.assist import Assistant, Assisted
from prompting.errors import UnknownName
from prompting.ownlists import OwnLists
from prompting.reading import opaque
from prompting.reading.policy import Policy
from prompting.speaking import styles
from prompting.speaking.dialects import DIALECTS, Speech
from prompting.speaking.styles import Style, Styles
from prompting.writers.ladder import WriterConfig, open_reader
from prompting.writers.writer import DEADLINE, Writer
from storage.people import AssistMode

log = logging.getLogger(__name__)

ENOUGH_WORDS = 12  # a wish of more words is a prompt already, and "auto" leaves it alone


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSettings:
    """What the owner of the server decided about words."""

    assist: AssistMode
    writer: WriterConfig = field(default_factory=WriterConfig)
    deadline: float = DEADLINE  # seconds that a wish waits for its words
    own_styles: Path | None = None  # a TOML file like prompting/speaking/styles.toml
    wildcards: Path | None = None  # a folder of text files
    tags: tuple[Path, ...] = ()  # folders with lists of booru tags
    forbidden: tuple[str, ...] = ()  # words that are not drawn here
    allowed: tuple[str, ...] = ()  # harmless phrases that contain one of them


class PromptAssist:
    """Finds words through an assistant that is opened when it is first needed."""

    def __init__(
        self,
        settings: WordSettings,
        *,
        open_: Open | None = None,
        patience: float = PATIENCE_SECONDS,
        card: SharedCard | None = None,
    ) -> None:
        self._settings = settings
        self.card = card  # that pictures are drawn on, too
        self._model = LanguageModel(
            settings.writer, open_, patience=patience, guard=partial(guard, card)
        )
        self.styles: Styles = styles.built_in()
        if settings.own_styles is not None:
            self.styles = self.styles.with_own(settings.own_styles)
            for error in self.styles.refused:
                log.warning("of the owner's styles: %s", error)
        self._lists = OwnLists(settings.wildcards) if settings.wildcards is not None else None
        self._tags = BooruTags(settings.tags)
        self._told: frozenset[str] = frozenset()  # which lists could not be read
        self._policy = Policy(settings.forbidden, allowed=settings.allowed)
        self._at_hand = AtHand()
        self._assistant = self._with(self._at_hand)
        self.replies = ReplyReader(self._open_reader)

    def start(self) -> None:
        """Begin to open a language model that the owner chose: loading one takes a while."""
        if self._model.chosen:
            self._model.start()

    async def started(self) -> None:
        """Wait for a language model that the owner chose: for those who ask only once."""
        if self._model.chosen:
            await self._model.started()

    def check(self, text: str) -> None:
        """Raise Declined when the server's words forbid it."""
        self._policy.check(text, "wish")

    def style(self, name: str) -> Style:
        """The style of that name, in either language.  Raises UnknownName."""
        return self.styles.named(name)

    @property
    def mode(self) -> AssistMode:
        """When the owner wants more words for those who say nothing of it."""
        return self._settings.assist

    def wanted(self, text: str, mode: AssistMode) -> bool:
        """Whether a wish is to be given more words."""
        match mode:
            case AssistMode.ON:
                return True
            case AssistMode.OFF:
                return False
            case AssistMode.AUTO:
                wish = opaque.read(text)
                marked = any(part.anchored for part in wish.opaque)
                short = len(wish.words.split()) <= ENOUGH_WORDS and "," not in wish.words
                return not marked and (short or wish.language != "en")

    async def assist(
        self,
        text: str,
        family: Family,
        *,
        seed: int,
        style: str | None,
        negative: str,
        tokenizer: Path | None,
    ) -> Assisted:
        """Words for one wish.  Raises Declined and UnknownName, never because of the model."""
        assistant = await self._speaking(dialect_of(family))
        await asyncio.sleep(0)  # whoever asks has just read the text, and nobody waits for both
        return await assistant.assist(
            text,
            dialect=dialect_of(family),
            seed=seed,
            style=style,
            negative=negative,
            count_tokens=counter(tokenizer),
            locale=language(),
        )

    async def propose(
        self,
        text: str,
        family: Family,
        *,
        seed: int,
        style: str | None,
        negative: str,
        tokenizer: Path | None,
    ) -> tuple[Assisted, ...]:
        """Three different ways to say it.  Raises Declined and UnknownName."""
        assistant = await self._speaking(dialect_of(family))
        return await assistant.propose(
            text,
            dialect=dialect_of(family),
            seed=seed,
            style=style,
            negative=negative,
            count_tokens=counter(tokenizer),
            locale=language(),
        )

    async def refine(
        self,
        words: Assisted,
        further: str,
        *,
        negative: str,
        began: str,
        tokenizer: Path | None,
    ) -> tuple[Assisted, str] | None:
        """The words with a further wish in them, and the person's own negative with what is to go.

        None where the further wish changes nothing; asks no model.  Raises Declined.
        """
        assistant = await self._speaking(words.dialect)
        count = counter(tokenizer)
        return assistant.refine(
            words,
            further,
            negative=negative,
            began=began,
            count_tokens=count,
            locale=language(),
        )

    async def restyle(
        self, words: Assisted, style: str, *, negative: str, tokenizer: Path | None
    ) -> Assisted:
        """The same wording in another style; asks no model.  Raises UnknownName."""
        assistant = await self._speaking(words.dialect)
        count = counter(tokenizer)
        return assistant.restyle(
            words, style, negative=negative, count_tokens=count, locale=language()
        )

    async def spoken(
        self, text: str, family: Family, *, style: str | None, negative: str
    ) -> Assisted:
        """The words as they are, in a style or in none, and the usual negative; asks no model.

        Raises Declined and UnknownName.
        """
        said = await self._with(AtHand()).assist(
            text, dialect=dialect_of(family), seed=0, style=style, negative=negative
        )
        return replace(said, note="")

    def unstyled(self, words: Assisted) -> str:
        """The wording without what its style brought; asks no model."""
        return self._with(AtHand()).restyle(words, None).prompt

    def expanded(self, prompt: str, seed: int) -> wildcards.Expanded:
        """The prompt with its wildcards and choices decided by the picture's seed."""
        # The owner's lists are read from the disk, and few prompts name one.
        lists = self._own_lists() if "__" in prompt else {}
        return wildcards.expand(prompt, seed=seed, lists=lists)

    def lists(self) -> tuple[str, ...]:
        """The names of the owner's wildcards."""
        return tuple(self._own_lists())

    async def close(self) -> None:
        """Let the language models go."""
        await self.replies.close()
        await self._tags.close()
        await self._model.close()

    async def _opened(self) -> Assistant:
        """The assistant with who writes now; while nobody is there yet, one without a writer."""
        now = await self._model.at_hand()
        if now is not self._at_hand:
            self._at_hand, self._assistant = now, self._with(now)
        return self._assistant

    async def _open_reader(self) -> Writer | None:
        """The owner's chat model where one works; else the one that was trained for replies."""
        if self._model.chosen and (writer := await self._model.chosen_writer()) is not None:
            return writer
        return (await open_reader()).writer

    async def _speaking(self, dialect: str) -> Assistant:
        """The assistant, with what it needs for that dialect."""
        assistant = await self._opened()
        if dialect in DIALECTS and DIALECTS[dialect].kind is Speech.BOORU:
            assistant.lists = await self._tags.read()
        return assistant

    def _with(self, now: AtHand) -> Assistant:
        assistant = Assistant(
            now.writer,
            spare=now.spare,
            policy=self._policy,
            styles=self.styles,
            deadline=self._settings.deadline,
        )
        assistant.lists = self._tags.known
        return assistant

    def _own_lists(self) -> dict[str, tuple[str, ...]]:
        if self._lists is None:
            return {}
        lists = self._lists.now()
        told = frozenset(str(error) for error in self._lists.refused)
        for error in sorted(told - self._told):  # once, not for every prompt
            log.warning("a list of wildcards is left out: %s", error)
        self._told = told
        return lists


def dialect_of(family: Family) -> str:
    """The dialect that a model family reads.  Raises UnknownName for one that nobody described."""
    if family.dialect not in DIALECTS:
        raise UnknownName("dialect", family.dialect, tuple(DIALECTS))
    return family.dialect


@lru_cache(maxsize=8)
def counter(folder: Path | None) -> Callable[[str], int] | None:
    """A function that counts tokens as the image model does, from its folder's tokenizer.

    None where there is no such file; the assistant then estimates.
    """
    if folder is None:
        return None
    file = folder / "tokenizer" / "tokenizer.json"
    try:
        json.loads(file.read_text(encoding="utf-8"))
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
    except (OSError, ValueError, ImportError):
        return None
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
