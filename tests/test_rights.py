"""Who may see what, and act on it: the rule as a table, without any Discord."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.studio.rights import Access, Asker, Blind, may_act_on, may_see, may_start_from, named_among
from generation.job import UserId
from tests.given.builders import ANN, BEN

HERE, THERE = 1, 2  # servers
STUDIO = 11  # a channel of the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    owner: UserId = ANN
    guild: int | None = HERE
    channel: int = STUDIO


@dataclass(frozen=True, slots=True)
class Sight:
    answer: Access

    async def access(self, person: int, guild: int, channel: int) -> Access:
        assert (person, guild, channel) == (BEN, HERE, STUDIO)
        return self.answer


VIEWS, MODERATES = Access(views=True), Access(views=True, moderates=True)
NOTHING, HALF = Access(views=False), Access(views=False, moderates=True)

# who, where they ask, what they can do there | see, start from, act | the same when deleted
TABLE = {
    "the owner": (ANN, HERE, NOTHING, (True, True, True), (True, False, True)),
    "the owner elsewhere": (ANN, THERE, NOTHING, (True, True, True), (True, False, True)),
    "a member": (BEN, HERE, VIEWS, (True, True, False), (False, False, False)),
    "a member, asking elsewhere": (BEN, THERE, VIEWS, (True, True, False), (False, False, False)),
    "a moderator": (BEN, HERE, MODERATES, (True, True, True), (False, False, True)),
    "a moderator in direct messages": (BEN, None, MODERATES, (True, True, False), (False,) * 3),
    "a moderator, asking elsewhere": (BEN, THERE, MODERATES, (True, True, False), (False,) * 3),
    "one who does not view it": (BEN, HERE, NOTHING, (False,) * 3, (False,) * 3),
    "a moderator who does not view it": (BEN, HERE, HALF, (False,) * 3, (False,) * 3),
}


@pytest.mark.parametrize("who", TABLE)
async def test_the_table_of_rights_holds(who: str) -> None:
    person, guild, access, alive, gone = TABLE[who]
    asker, sight = Asker(id=person, guild=guild), Sight(access)
    for deleted, expected in ((False, alive), (True, gone)):
        assert expected == (
            await may_see(asker, Thing(), sight, deleted=deleted),
            await may_start_from(asker, Thing(), sight, deleted=deleted),
            await may_act_on(asker, Thing(), sight),
        )


async def test_a_direct_message_is_its_owners_alone() -> None:
    letter, everything = Thing(guild=None), Sight(MODERATES)
    for guild in (None, HERE):
        asker = Asker(id=BEN, guild=guild)
        assert not await may_see(asker, letter, everything, deleted=False)
        assert not await may_act_on(asker, letter, everything)
    assert await may_see(Asker(id=ANN, guild=None), letter, Blind(), deleted=False)


def test_a_number_is_told_only_among_those_who_may_see_its_picture() -> None:
    thing = Thing()
    assert named_among(thing, Thing(owner=BEN), deleted=False)
    assert not named_among(thing, Thing(), deleted=True)
    assert not named_among(thing, Thing(channel=12), deleted=False)
    assert not named_among(Thing(guild=None), thing, deleted=False)
    assert not named_among(thing, Thing(owner=BEN, guild=None, channel=13), deleted=False)
    assert named_among(thing, Thing(guild=None, channel=13), deleted=False)  # to its owner alone
