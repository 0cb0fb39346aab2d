"""Every blank is a blank: no keyboard and no web page glues a prompt's words together."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.texts import clean_text

BLANKS = [
    chr(n)
    for n in range(sys.maxunicode + 1)
    if unicodedata.category(chr(n)) in ("Zs", "Zl", "Zp")
    or chr(n) in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
]


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: f"U+{ord(blank):04X}")
def test_a_blank_divides_words(blank: str) -> None:
    assert clean_text("prompt", f"{blank}red{blank}cat{blank}") == "red cat"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("猫\u3000犬", "猫 犬"),
        ("a\u200bcat\u2060", "acat"),
        ("\ufeffa \u202ecat\u202c", "a cat"),
        ("soft\u00adly", "softly"),
        ("👩\u200d🚀 ❤️\u200d🔥 on the moon", "👩\u200d🚀 ❤️\u200d🔥 on the moon"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("c\u200dat", "cat"),
        ("half \ud83d of it", "half  of it"),
        ("a\x00cat", "acat"),
        ("\u3164", ""),
        ("\U0001fae8 cafe\u0301", "\U0001fae8 cafe\u0301"),
    ],
)
def test_what_is_seen_stays_and_what_is_not_goes(typed: str, kept: str) -> None:
    assert clean_text("prompt", typed) == kept


@given(st.text(st.characters(), max_size=200))
def test_what_is_clean_stays_so_and_can_be_stored(text: str) -> None:
    clean = clean_text("prompt", text)
    assert clean_text("prompt", clean) == clean
    clean.encode()
