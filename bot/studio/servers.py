"""Servers: what the admins of each decided, and who asks there for what.

    rules(guild)      as they stand
    decide(...)       one rule, from now on; written down with who decided it
    admits(origin)    raises where somebody may not ask there, or not now
    accepts(...)      the same of what they ask for

All of it is in memory, so asking costs nothing, and in the database, so a restart forgets nothing.
Invariant: whatever becomes a request has passed `admits` and `accepts`, by `bot.studio.admission`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.studio.shares import CONSOLE
from generation.recipe import Recipe, Sha256, Weights
from prompting.reading.policy import Policy
from storage.erasures import fingerprint
from storage.requests import Origin
from storage.servers import AuditLine, RuleValue, Ruling, Rulings, ServerRule

Texts = Mapping[str, RuleValue]  # by subject


class ServerDeclines(Exception):
    """The server's rules say no."""


class Blocked(ServerDeclines):
    """The person draws nothing in this server."""


class OtherChannels(ServerDeclines):
    """Pictures are drawn elsewhere in the server: in `channels`."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__("the channel is none of those that pictures are drawn in")
        self.channels = channels


class Leaving(ServerDeclines):
    """Whoever asks is just having everything of theirs erased."""


class NotDirectly(ServerDeclines):
    """Whoever runs the bot lets nobody ask in direct messages."""


class NothingPrivate(ServerDeclines):
    """In this server all see what is drawn."""


class Resting(ServerDeclines):
    """Nothing is drawn for this server at present."""

    def __init__(self, reason: str) -> None:
        super().__init__("drawing rests in this server")
        self.reason = reason


class NotOffered(ServerDeclines):
    """A model or a style that the server does not offer; `kind` says which of them."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"the {kind} {name} is not offered in this server")
        self.kind, self.name = kind, name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """What is decided in one server."""

    guild: int | None = None
    by_rule: Mapping[ServerRule, Texts] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    def value(self, rule: ServerRule, subject: str = "") -> RuleValue | None:
        """What a rule says; None: as usual."""
        return self.by_rule.get(rule, {}).get(subject)

    def subjects(self, rule: ServerRule) -> tuple[str, ...]:
        """Of what a rule says something, in order."""
        return tuple(sorted(self.by_rule.get(rule, ())))

    def numbers(self, rule: ServerRule) -> tuple[int, ...]:
        """The ids of which a rule says something."""
        return tuple(int(subject) for subject in self.subjects(rule) if subject.isdecimal())

    @property
    def rest(self) -> str | None:
        """Why nothing is drawn; None: it is."""
        reason = self.value(ServerRule.REST)
        return None if reason is None else str(reason)

    def blocks(self, person: int) -> bool:
        """Whether somebody may not ask for anything."""
        known = (str(person), fingerprint(self.guild or 0, person))
        return any(self.value(ServerRule.BLOCKED, one) is not None for one in known)

    def hides(self, within: Iterable[int]) -> bool:
        """Whether pictures are hidden in that place until somebody clicks them."""
        return not set(self.numbers(ServerRule.SPOILER)).isdisjoint(within)

    def allows(self, within: Collection[int]) -> bool:
        """Whether pictures are drawn in that place."""
        allowed = self.numbers(ServerRule.CHANNEL)
        return not allowed or not set(allowed).isdisjoint(within)

    def weight(self, person: int, roles: Iterable[int]) -> float | None:
        """What somebody weighs among the server's members; None: nothing is decided of them."""
        own = self.value(ServerRule.PERSON_WEIGHT, str(person))
        if own is None:
            theirs = self.by_rule.get(ServerRule.ROLE_WEIGHT, {})
            mine = {*map(str, roles), str(self.guild)}
            own = max(
                (w for r, w in theirs.items() if r in mine and isinstance(w, float)), default=None
            )
        return own if isinstance(own, float) else None

    def offers_model(self, model: Sha256) -> bool:
        """Whether it may be drawn with."""
        return self.value(ServerRule.MODEL, model) is None

    def offers_style(self, name: str) -> bool:
        """Whether it may be drawn in."""
        return self.value(ServerRule.STYLE, name) is None


NO_RULES = ServerRules()


class Servers:
    """What is decided, in all of them.  `changed` is told of the server whose rules are others."""

    def __init__(
        self,
        rulings: Rulings,
        *,
        clock: Callable[[], float],
        direct_messages: bool = True,
    ) -> None:
        self._store, self._clock = rulings, clock
        self._direct_messages = direct_messages
        self._rules: dict[int, ServerRules] = {}
        self.leaving: set[int] = set()  # people whose data is being erased
        self.changed: Callable[[int], None] = lambda _: None

    async def open(self) -> None:
        """Read what was decided."""
        of: dict[int, list[Ruling]] = {}
        for ruling in await self._store.rulings():
            of.setdefault(ruling.guild, []).append(ruling)
        self._rules = {guild: _rules(guild, rulings) for guild, rulings in of.items()}

    def rules(self, guild: int | None) -> ServerRules:
        """Those of a server; in direct messages there are none."""
        return NO_RULES if guild is None else self._rules.get(guild, NO_RULES)

    def with_rule(self, rule: ServerRule) -> tuple[ServerRules, ...]:
        """Those of the servers that decided something of it."""
        return tuple(rules for rules in self._rules.values() if rules.subjects(rule))

    async def decide(
        self,
        guild: int,
        rule: ServerRule,
        value: RuleValue | None,
        *,
        subject: str = "",
        by: int,
    ) -> bool:
        """Let a rule say this from now on; None: as usual.  False: it said so already."""
        changed = await self._store.decide(guild, rule, subject, value, by=by, at=self._clock())
        if changed:
            rulings = [ruling for ruling in await self._store.rulings() if ruling.guild == guild]
            self._rules[guild] = _rules(guild, rulings)
            self.changed(guild)
        return changed

    async def log(self, guild: int, page: int, size: int) -> tuple[tuple[AuditLine, ...], int]:
        """A page of a server's log, the newest first, and how many lines it has in all."""
        lines = await self._store.lines(guild, skip=page * size, limit=size)
        return lines, await self._store.count_lines(guild)

    def spoils(self, guild: int | None, within: Iterable[int]) -> bool:
        """Whether pictures are hidden in that place until somebody clicks them."""
        return self.rules(guild).hides(within)

    def admits(self, origin: Origin) -> None:
        """Raise a ServerDeclines where that person may not ask there, or not now."""
        rules = self.rules(origin.guild)
        if origin.owner in self.leaving:
            raise Leaving
        if origin.guild is None and origin.share != CONSOLE and not self._direct_messages:
            raise NotDirectly
        if rules.blocks(origin.owner):
            raise Blocked
        if origin.private and rules.value(ServerRule.PRIVATE) is False:
            raise NothingPrivate
        if not rules.allows(origin.seen.within or (origin.channel,)):
            raise OtherChannels(rules.numbers(ServerRule.CHANNEL))
        if rules.rest is not None:
            raise Resting(rules.rest)

    def accepts(self, origin: Origin, words: Sequence[str], recipes: Sequence[Recipe]) -> None:
        """Raise Declined or NotOffered where the server does not draw that."""
        rules = self.rules(origin.guild)
        said = [*words, *(text for recipe in recipes for text in recipe.texts)]
        for text in dict.fromkeys(said):
            rules.policy.check(text, "wish")
        for recipe in recipes:
            self.accepts_model(origin, recipe.leading)

    def accepts_model(self, origin: Origin, weights: Weights) -> None:
        """Raise NotOffered where the server does not draw with that model."""
        if not self.rules(origin.guild).offers_model(weights.sha256):
            raise NotOffered("model", weights.name)

    def accepts_style(self, origin: Origin, name: str) -> None:
        """Raise NotOffered where the server does not draw in that style."""
        if not self.rules(origin.guild).offers_style(name):
            raise NotOffered("style", name)


def _rules(guild: int, rulings: Iterable[Ruling]) -> ServerRules:
    by_rule: dict[ServerRule, dict[str, RuleValue]] = {}
    for ruling in rulings:
        by_rule.setdefault(ruling.rule, {})[ruling.subject] = ruling.value
    words = Policy(by_rule.get(ServerRule.WORD, ()))
    return ServerRules(guild=guild, by_rule=by_rule, policy=words)
