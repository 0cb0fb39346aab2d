"""Text to tokens and back, as GPT-2 does: byte-level byte-pair encoding.

    "a red cat" ──split──▶ "a", " red", " cat" ──merge──▶ ids

The invariant: the same ids as llama.cpp gives for the same GGUF (`tokenizer.ggml.model` "gpt2",
`pre` "gpt-2"), asserted in a test wherever llama.cpp is installed.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from prompting.errors import Unreadable
from prompting.writers.ggufile import GgufHeader

_CONTROL, _USER_DEFINED = 3, 4  # token types of the GGUF format


def _byte_letters() -> dict[int, str]:
    """GPT-2's letter for each byte: itself where it can be seen, else one from U+0100 on."""
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in seen]
    letters = {byte: chr(byte) for byte in seen}
    return letters | {byte: chr(256 + index) for index, byte in enumerate(hidden)}


_LETTERS = _byte_letters()
_BYTES = {letter: byte for byte, letter in _LETTERS.items()}
_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(code) for code in range(0x2000, 0x200B)
}
_CONTRACTIONS = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")


class Tokens:
    """The tokenizer that a GGUF carries.  Raises Unreadable for any other kind."""

    def __init__(self, header: GgufHeader) -> None:
        kind, pre = header.text("tokenizer.ggml.model"), header.text("tokenizer.ggml.pre")
        if (kind, pre) != ("gpt2", "gpt-2"):
            raise Unreadable("GGUF", f"the numpy runner does not know the tokenizer {kind}/{pre}")
        self.texts = header.texts("tokenizer.ggml.tokens")
        types = header.wholes("tokenizer.ggml.token_type")
        if len(types) != len(self.texts):
            raise Unreadable("GGUF", "a tokenizer with more types than tokens, or fewer")
        self._ids = {text: number for number, text in enumerate(self.texts)}
        merges = (merge.split(" ") for merge in header.texts("tokenizer.ggml.merges"))
        self._ranks = {tuple(merge): rank for rank, merge in enumerate(merges)}
        self._known: dict[str, list[int]] = {}
        control = {t for t, kind in zip(self.texts, types, strict=True) if kind == _CONTROL}
        defined = {t for t, kind in zip(self.texts, types, strict=True) if kind == _USER_DEFINED}
        self._always, self._trusted = _finder(defined), _finder(control | defined)
        self.pieces = [self._piece(t, t in control, t in defined) for t in self.texts]

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Ids of a text; `control`: whether names of control tokens in it mean these tokens."""
        finder = self._trusted if control else self._always
        out: list[int] = []
        for part in finder.split(text) if finder else [text]:
            if finder and finder.fullmatch(part):
                out.append(self._ids[part])
            else:
                for word in split(part):
                    out += self._merge(word)
        return out

    def _merge(self, word: str) -> list[int]:
        if (known := self._known.get(word)) is not None:
            return known
        parts = [_LETTERS[byte] for byte in word.encode("utf-8", "replace")]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            at, merged = 0, []
            while at < len(parts):
                joined = at + 1 < len(parts) and (parts[at], parts[at + 1]) == best
                merged.append("".join(best) if joined else parts[at])
                at += 2 if joined else 1
            parts = merged
        ids = [self._ids[part] for part in parts if part in self._ids]
        if (
            len(self._known) < 4096 and len(word) < 64
        ):  # words repeat; a flood of new ones is no gain
            self._known[word] = ids
        return ids

    @staticmethod
    def _piece(text: str, control: bool, defined: bool) -> bytes:
        if control:
            return b""
        if defined:
            return text.encode()
        return bytes(_BYTES[letter] for letter in text if letter in _BYTES)


def _finder(texts: set[str]) -> re.Pattern[str] | None:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if texts else None


def _kind(char: str) -> str:
    if char in _SPACES:
        return "space"
    major = unicodedata.category(char)[0]
    return {"L": "letter", "N": "number"}.get(major, "other")


def split(text: str) -> list[str]:
    """GPT-2's words.

    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

    Written out, because the standard library's `re` does not know \\p.
    """
    kinds = [_kind(char) for char in text]
    words: list[str] = []
    at, length = 0, len(text)
    while at < length:
        end = at
        if text[at] == "'" and (
            found := next((c for c in _CONTRACTIONS if text.startswith(c, at)), "")
        ):
            end = at + len(found)
        else:
            first = at + (text[at] == " " and at + 1 < length and kinds[at + 1] != "space")
            end = first + 1
            while end < length and kinds[end] == kinds[first]:
                end += 1
            if kinds[first] == "space" and end < length and end - at > 1:
                end -= 1  # the last space belongs to the word behind it
        words.append(text[at:end])
        at = end
    return words
