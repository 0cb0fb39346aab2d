"""Stores: every part of storage, built once on one database and one folder of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from storage.accounts import Ledger
from storage.database import Database
from storage.deletions import Deletions
from storage.erasures import Erasures
from storage.favourites import Favourites
from storage.files import Files
from storage.found import SearchIndex
from storage.locales import Locales
from storage.people import People
from storage.pictures import Pictures
from storage.presets import Presets
from storage.searches import Searches
from storage.servers import Rulings
from storage.synced import SyncedCommands
from storage.tallies import Tallies
from storage.tickets import Tickets
from storage.unconfirmed import Unconfirmeds
from storage.usage import Usage
from storage.used_links import UsedLinks
from storage.weekly import WeeklyPosts
from storage.words import Wordings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the bot remembers with."""

    database: Database  # that all of them share
    tickets: Tickets
    pictures: Pictures
    people: People
    presets: Presets
    locales: Locales
    words: Wordings
    deletions: Deletions
    favourites: Favourites
    index: SearchIndex
    searches: Searches
    weekly_posts: WeeklyPosts
    rulings: Rulings
    usage: Usage
    unconfirmed: Unconfirmeds
    erasures: Erasures
    tallies: Tallies
    files: Files
    ledger: Ledger
    used_links: UsedLinks
    synced: SyncedCommands

    @classmethod
    def on(cls, database: Database, files: Files) -> Self:
        """The stores of a database and its folder of files."""
        return cls(
            database=database,
            tickets=Tickets(database),
            pictures=Pictures(database),
            people=People(database),
            presets=Presets(database),
            locales=Locales(database),
            words=Wordings(database),
            deletions=Deletions(database),
            favourites=Favourites(database),
            index=SearchIndex(database),
            searches=Searches(database),
            weekly_posts=WeeklyPosts(database),
            rulings=Rulings(database),
            usage=Usage(database),
            unconfirmed=Unconfirmeds(database),
            erasures=Erasures(database),
            tallies=Tallies(database),
            files=files,
            ledger=Ledger(database),
            used_links=UsedLinks(database),
            synced=SyncedCommands(database),
        )
