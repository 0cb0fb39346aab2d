"""Catalogues: the languages there are, each read once from its file `<locale>.po`.

A file is named as Discord names the locale.  Babel reads it; plurals go by its header.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
ENGLISH = "en-US"


@cache
def languages() -> tuple[str, ...]:
    """English, then every language that has a file."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


@cache
def language_for(locale: str | None) -> str:
    """The language for a locale of Discord's: its own, else one that is kin to it, else English."""
    if locale is None or locale in languages():
        return locale or ENGLISH
    tongue = locale.split("-")[0]
    return next((one for one in languages() if one.split("-")[0] == tongue), ENGLISH)


@cache
def babel_locale(language: str) -> Locale:
    """What Babel knows of a language: its numbers, lists and dates."""
    return Locale.parse(language, sep="-")


def own_name(language: str) -> str:
    """What a language calls itself."""
    return babel_locale(language).get_language_name() or language


def file_of(language: str) -> Path:
    """Where a language's texts are."""
    return FOLDER / f"{language}.po"


def read(language: str) -> Catalog:
    """The file of a language as it stands."""
    with file_of(language).open("rb") as file:
        return read_po(file, locale=str(babel_locale(language)), abort_invalid=True)


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """What is said in a language; English has its texts in the code."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
