"""Out of whose part of the device a person is paid."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from bot.studio.shares import DAY, DIRECT, NEWCOMERS, RELAXED, Requester, Tiers
from generation.job import Share

GUILDS = st.one_of(st.none(), st.integers(1, 2**63))
ROLES = st.lists(st.sampled_from(["Supporter", "Booster", "Slow", "42"]), max_size=3)


def someone(
    guild: int | None = 5,
    roles: Collection[str] = (),
    days: float = 100.0,
    *,
    pending: bool = False,
) -> Requester:
    return Requester(guild=guild, roles=roles, account_age=days * DAY, pending=pending)


def share(person: Requester, **tiers: object) -> Share:
    return Tiers(**tiers).share(person)  # type: ignore[arg-type]  # the tests' own words


def test_members_of_a_server_divide_its_part_by_their_best_role() -> None:
    roles = {"Supporter": 2.0, "42": 4.0}
    assert share(someone(), roles=roles).weight == 1.0
    assert share(someone(roles=["Supporter", "42"]), roles=roles).weight == 4.0
    assert share(someone(), roles=roles).group == share(someone(roles=["42"]), roles=roles).group


def test_two_servers_have_a_part_each_whatever_their_size() -> None:
    assert share(someone(guild=5)).group != share(someone(guild=6)).group
    assert share(someone(guild=6), servers={"6": 3.0}).group_weight == 3.0


@given(guild=GUILDS, roles=ROLES)
def test_new_accounts_of_all_servers_share_one_part(guild: int | None, roles: list[str]) -> None:
    weights = {"Supporter": 100.0}
    assert share(someone(guild, roles, days=1), roles=weights) == NEWCOMERS
    assert share(someone(guild, roles, pending=True), roles=weights) == NEWCOMERS


def test_a_part_for_newcomers_can_be_switched_off() -> None:
    assert share(someone(days=0.0), newcomer_days=0.0) != NEWCOMERS


def test_a_relaxed_role_wins_over_a_heavy_one() -> None:
    person = someone(roles=["Slow", "Supporter"])
    assert share(person, roles={"Supporter": 9.0}, relaxed_roles=["Slow"]) == RELAXED
    assert 0.0 < RELAXED.group_weight < 1.0


def test_direct_messages_share_one_part() -> None:
    assert share(someone(guild=None)) == DIRECT
