"""Claims about signed links: who may open what, until when, and how often."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from bot.web.links import LONGEST, LinkExpired, LinkForged, LinkPurpose
from storage import private
from storage.database import Database
from storage.used_links import KEPT, UsedLinks
from tests.given.builders import BEN
from tests.given.web_pages import Hand, a_visitor


def test_a_link_says_who_asked_for_what_and_where() -> None:
    hand = Hand()
    links = hand.links()
    for visitor in (a_visitor(), a_visitor(BEN, guild=None, locale="zh-CN")):
        link = links.read(LinkPurpose.PAINT, links.sign(LinkPurpose.PAINT, visitor, 7, seconds=900))
        assert (link.visitor, link.thing, link.purpose) == (visitor, 7, LinkPurpose.PAINT)
        assert link.until == hand.now + 900


def test_a_link_fits_into_a_button_of_discord() -> None:
    most = 2**63 - 1
    visitor = a_visitor(BEN, guild=most, channel=most, source=most, locale="zh-TW")
    signed = Hand().links().sign(LinkPurpose.PAINT, visitor, most, seconds=900)
    address = f"https://{'a' * 60}.example/some/path/{LinkPurpose.PAINT}/"
    assert len(address + signed) <= 512  # what a button takes
    assert set(signed) <= set(string.ascii_letters + string.digits + "-_.")


def test_a_link_is_over_at_its_time_and_not_before() -> None:
    hand = Hand()
    links = hand.links()
    signed = links.sign(LinkPurpose.GALLERY, a_visitor(), 0, seconds=3600)
    hand.now += 3599
    links.read(LinkPurpose.GALLERY, signed)
    hand.now += 1
    with pytest.raises(LinkExpired):
        links.read(LinkPurpose.GALLERY, signed)


@pytest.mark.parametrize("at", [0, 5, 40, -1, -20])
def test_a_link_that_anybody_changed_is_none(at: int) -> None:
    links = Hand().links()
    signed = links.sign(LinkPurpose.PAINT, a_visitor(), 7, seconds=900)
    # The last letter of a signature has bits that say nothing.
    other = {"A": "Q"}.get(signed[at], "A")
    changed = list(signed)
    changed[at] = other
    with pytest.raises(LinkForged):
        links.read(LinkPurpose.PAINT, "".join(changed))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a" * (LONGEST + 1), "é.ü", "null.x"])
def test_what_nobody_signed_is_no_link(text: str) -> None:
    with pytest.raises(LinkForged):
        Hand().links().read(LinkPurpose.PAINT, text)


def test_a_link_opens_nothing_but_what_it_is_for() -> None:
    links = Hand().links()
    for purpose in LinkPurpose:
        signed = links.sign(purpose, a_visitor(), 7, seconds=900)
        for other in set(LinkPurpose) - {purpose}:
            with pytest.raises(LinkForged):
                links.read(other, signed)


def test_another_installation_believes_none_of_ours() -> None:
    signed = Hand().links().sign(LinkPurpose.PAINT, a_visitor(), 7, seconds=900)
    with pytest.raises(LinkForged):
        Hand().links(key=bytes(32)).read(LinkPurpose.PAINT, signed)


def test_the_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "links.key"
    made = private.key(path)
    assert len(set(made)) > 10
    assert private.key(path) == made
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    assert private.key(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir()] == ["links.key"]


def test_half_a_key_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "links.key"
    for half in (b"", b"short"):
        path.write_bytes(half)
        assert len(private.key(path)) == 32


async def test_a_link_that_was_used_stays_so_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    database = await Database.open(path)
    assert await UsedLinks(database).spend("s1", until=900, now=0)
    assert not await UsedLinks(database).spend("s1", until=900, now=1)
    await database.close()
    database = await Database.open(path)
    used = UsedLinks(database)
    try:
        assert await used.is_used("s1")
        assert not await used.spend("s1", until=900, now=2)
        await used.give_back("s1")
        assert not await used.is_used("s1")
        assert await used.spend("s1", until=900, now=3)
        await used.spend("s2", until=10_000, now=900 + KEPT + 1)
        assert not await used.is_used("s1")  # it is over by its own time
    finally:
        await database.close()
