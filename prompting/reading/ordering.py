"""Puts words of Chinese, Japanese and Korean into the order of English.

    宇航员 在 麦田 里 弹钢琴        ▶  astronaut playing the piano in the wheat field
    武士 从 屋顶 上 跳下            ▶  samurai jumping down from the roof
    女孩 把 花 插进 花瓶 里          ▶  girl putting flower into the vase
    桌子 上 的 猫                  ▶  cat on the table
    桜の木 の下で 本 を 読む 少女   ▶  girl reading book under the cherry tree

What describes a noun stands before it in these languages, a place behind the noun that it is
counted from, and what somebody does, in the last two, behind what it is done to.  The invariant:
every word that carries something is said once, and what is not known as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from prompting.reading.forms import plural


class Role(StrEnum):
    """What a word does in its sentence."""

    NOUN = "noun"
    NAME = "name"  # takes no article
    LOOK = "look"  # describes a noun: colours, qualities
    NUMBER = "number"
    MEASURE = "measure"  # a cup of
    DOING = "doing"
    PLACED = "placed"  # behind its noun: under, next to
    AT = "at"  # before a place
    FROM = "from"  # before a place, and says how it is meant: from, towards, along
    TAKEN = "taken"  # 把: the noun behind it is what something is done to
    BY = "by"  # 被: the noun behind it does it
    OF = "of"  # 的, の
    AND = "and"
    OBJECT = "object"  # marks the noun before it as what something is done to
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word in English, and its role."""

    role: Role
    text: str
    owner: bool = False  # a person or an animal: the girl's hair
    timed: bool = False  # rain, a night
    marked: Role | None = None  # Korean writes the mark to the noun


@dataclass(slots=True)
class _Noun:
    """A noun with what stands before and behind it."""

    text: str
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    named: bool = False
    owner: bool = False
    counted: bool = False
    role: Role | None = None

    def said(self) -> str:
        return " ".join((*self.before, self.text, *self.behind))

    def led(self) -> str:
        """With the article that a place takes."""
        return self.said() if self.named or self.counted else f"the {self.said()}"


@dataclass(slots=True)
class _Place:
    text: str
    whole: bool = True  # says where something is; of no noun: on the left


@dataclass(slots=True)
class _Doing:
    text: str


@dataclass(slots=True)
class _Mark:
    role: Role
    text: str = ""


_Item = _Noun | _Place | _Doing | _Mark

# What a place is called where it is counted from nothing: 左边是 ▶ on the left.
_ALONE = {
    "to the left of": "on the left",
    "to the right of": "on the right",
    "behind": "in the background",
    "in front of": "in the foreground",
    "on": "at the top",
    "under": "at the bottom",
    "in the middle of": "in the middle",
    "on both sides of": "on both sides",
    "next to": "beside it",
    "between": "in between",
    "around": "all around",
    "in": "",
}

_OF_MANY = frozenset({"string of", "row of", "bunch of", "cartload of", "stack of", "handful of"})
# With which a verb ends that says where to; the place behind it has no word of its own for that.
_WHITHER = frozenset(
    {"into", "onto", "over", "through", "on", "towards", "past", "from", "up", "out", "of", "down"}
)


def ordered(tokens: Sequence[Token], *, verb_last: bool) -> str:
    """A clause in the order of English; `verb_last` for Japanese and Korean."""
    roles = {token.role for token in tokens}
    if roles & {Role.TAKEN, Role.BY} and Role.DOING not in roles:
        return _joined([token.text for token in tokens])  # nobody knows what is done to it
    items = _described(_done_by(list(_chunked(tokens))), verb_last=verb_last)
    return _sentence_last(items) if verb_last else _sentence(items)


def _chunked(tokens: Sequence[Token]) -> Iterator[_Item]:
    """Nouns with the colours, numbers and nouns before them; the rest as it is."""
    looks: list[str] = []
    many = counted = False
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.role in (Role.LOOK, Role.NUMBER, Role.MEASURE):
            looks.append(token.text)
            many = many or (token.role is Role.NUMBER) or token.text in _OF_MANY
            counted = counted or token.role in (Role.NUMBER, Role.MEASURE)
            follower = tokens[at].role if at < len(tokens) else None
            if follower is Role.OF and token.role is not Role.MEASURE:
                at += 1  # 红色 的, 三匹 の
            continue
        if token.role in (Role.NOUN, Role.NAME):
            parts = _compound(tokens, at - 1)
            at += len(parts) - 1
            last = parts[-1]
            text = plural(last.text) if many and last.role is Role.NOUN else last.text
            yield _Noun(
                text,
                before=[*looks, *(part.text for part in parts[:-1])],
                named=last.role is Role.NAME,
                owner=last.owner,
                counted=counted,
                role=last.marked,
            )
            looks, many, counted = [], False, False
            yield from _behind(last.marked)
            continue
        pair = [Role.DOING, Role.OF]
        described = pair in (
            [it.role for it in tokens[at - 1 : at + 1]],
            [it.role for it in tokens[max(at - 2, 0) : at]],
        )
        if looks and not described:  # 一盘 冒着热气 的 饺子
            yield _Noun(" ".join(looks), named=True)
            looks, many, counted = [], False, False
        if token.role is Role.DOING:
            yield _Doing(token.text)
        elif token.role is Role.PLACED:
            yield _Place(token.text, whole=False)
        else:
            yield _Mark(token.role, token.text)
    if looks:
        yield _Noun(" ".join(looks), named=True)


def _compound(tokens: Sequence[Token], at: int) -> list[Token]:
    """The noun or name there and those that follow, up to one with a particle."""
    parts = [tokens[at]]
    for token in tokens[at + 1 :]:
        if parts[-1].marked or token.role not in (Role.NOUN, Role.NAME):
            break
        parts.append(token)
    return parts


def _behind(marked: Role | None) -> Iterator[_Item]:
    """What a particle says that is written into its noun."""
    if marked in (Role.OF, Role.AND):
        yield _Mark(marked)
    elif marked is Role.PLACED:
        yield _Place("in", whole=False)


def _described(items: list[_Item], *, verb_last: bool) -> list[_Item]:
    """Places made of their nouns, and what describes a noun put to it."""
    out: list[_Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if isinstance(item, _Place) and not item.whole:
            if _is(out, Role.OF):
                out.pop()  # 女孩 的 左边
            out.append(_placed(out, item.text))
        elif isinstance(item, _Noun) and _is(out, Role.OF):
            out.pop()
            verb = out[-2] if len(out) > 1 and isinstance(out[-1], _Place) else None
            there = isinstance(verb, _Doing) and not verb.text.endswith((" at", " to", " for"))
            _describe(out, item)
            there = there and bool(out) and isinstance(out[-1], _Doing)  # 走在 雨中 的 小巷
            closed = isinstance(items[at], _Place) if at < len(items) else False
            out.append(_Place(f"in {item.led()}") if there and not closed else item)
        elif isinstance(item, _Noun) and _stays(out, items[at:]):
            out[-1] = _Place(f"in {item.led()}")
        elif isinstance(item, _Noun) and verb_last and out and isinstance(out[-1], _Doing):
            _describe(out, item)
            out.append(item)
        else:
            if isinstance(item, _Mark) and item.role in (Role.OBJECT, Role.SUBJECT):
                if out and isinstance(out[-1], _Noun):
                    out[-1].role = item.role
                continue
            out.append(item)
    return _whither(_taken(list(_settled(out))))


def _stays(out: list[_Item], rest: list[_Item]) -> bool:
    """Whether a noun behind 坐在 is where somebody sits, with no word for where behind it."""
    if not _is(out, Role.AT) or len(out) < 2 or not isinstance(out[-2], _Doing):
        return False
    while len(rest) > 1 and _is(rest[:1], Role.OF) and isinstance(rest[1], _Noun):
        rest = rest[2:]
    return not (rest and isinstance(rest[0], _Place) and not rest[0].whole)


def _is(items: list[_Item], role: Role) -> bool:
    last = items[-1] if items else None
    return isinstance(last, _Mark) and last.role is role


def _placed(out: list[_Item], preposition: str) -> _Place:
    """The place counted from the noun before it, which it takes along."""
    if not out or not isinstance(out[-1], _Noun):
        return _Place(_ALONE.get(preposition, preposition))
    noun = out.pop()
    said = noun.led() if isinstance(noun, _Noun) else ""
    while len(out) > 1 and _is(out, Role.AND) and isinstance(out[-2], _Noun):
        out.pop()
        other = out.pop()
        said = f"{other.led() if isinstance(other, _Noun) else ''} and {said}"
    if _is(out, Role.AT):
        out.pop()
    elif _is(out, Role.FROM):
        preposition = _text_of_mark(out.pop())
    return _Place(f"{preposition} {said}")


def _describe(out: list[_Item], head: _Noun) -> None:
    """Takes what stands before a noun and describes it to behind it."""
    last = out[-1] if out else None
    verb = next((at for at in reversed(range(len(out))) if isinstance(out[at], _Doing)), None)
    acted = verb is not None and _acted(out, verb)
    if isinstance(last, _Place) and (acted or verb != len(out) - 2):
        head.behind.insert(0, last.text)
        out.pop()
    elif verb is not None and verb == len(out) - 1 and _lasting(out):
        head.behind.insert(0, f"with {_text(out[-2])} {_text(out[-1])}")
        del out[-2:]
    elif verb is not None and not acted and all(map(_lies, out[verb + 1 :])):
        head.behind[:0] = [_text(it) for it in _doings(out, verb)]
    elif isinstance(last, _Noun):
        out.pop()
        owned = last.owner and not last.behind and not head.owner
        head.before[:0] = [*last.before, f"{last.text}'s" if owned else last.text]
        head.behind[:0] = last.behind


def _lies(item: _Item) -> bool:
    return isinstance(item, _Noun | _Place)


def _doings(out: list[_Item], verb: int) -> list[_Item]:
    """What the noun behind is said to do, in the order of English; taken from what stands there."""
    start = verb
    while start and _lies(out[start - 1]) and _argument(out[start - 1]):
        start -= 1
    before = sorted(out[start:verb], key=lambda it: isinstance(it, _Place))
    doings = [out[verb], *out[verb + 1 :], *before]
    if start == verb:
        start = _first_of(out, verb)
        doings = out[start:]
    del out[start:]
    return doings


def _acted(out: list[_Item], verb: int) -> bool:
    """Whether somebody before the verb does it, to the noun behind it: 爷爷 牵着 孙女 的 手."""
    at = verb
    while at > 2 and isinstance(out[at - 1], _Noun) and isinstance(out[at - 2], _Doing):
        at -= 2  # 情侣 撑 伞 走在 ...
    who = out[at - 1] if at else None
    acting = isinstance(who, _Noun) and (who.owner or who.named)
    return acting and isinstance(out[-1], _Noun | _Place) and verb < len(out) - 1


def _lasting(out: list[_Item]) -> bool:
    """Whether the last thing does something by itself: 樱花 盛开 的 street."""
    who = out[-2] if len(out) > 1 else None
    return isinstance(who, _Noun) and not who.owner and who.role is None


def _first_of(out: list[_Item], verb: int) -> int:
    """Where a row of verbs begins that nobody is said to do before: 骑着 车 穿过 稻田."""
    for at, item in enumerate(out[:verb]):
        behind = at > 0 and isinstance(out[at - 1], _Doing)
        if isinstance(item, _Mark) or (isinstance(item, _Noun) and not behind):
            return verb
    return next(at for at, item in enumerate(out) if isinstance(item, _Doing))


def _argument(item: _Item) -> bool:
    """Whether it belongs to the verb behind it: what is done to, or where."""
    return isinstance(item, _Place) or (isinstance(item, _Noun) and item.role is Role.OBJECT)


def _text(item: _Item) -> str:
    if isinstance(item, _Noun):
        return item.said()
    return "" if isinstance(item, _Mark) else item.text


def _text_of_mark(item: _Item) -> str:
    return item.text if isinstance(item, _Mark) else ""


def _done_by(items: list[_Item]) -> list[_Item]:
    """被: who does it stands before it, as in English: 猫 被 狗 追 ▶ a dog chasing a cat."""
    at = next((i for i, it in enumerate(items) if isinstance(it, _Mark) and it.role is Role.BY), -1)
    who, doing = (*items[at + 1 : at + 3], None, None)[:2]
    if at < 0 or not isinstance(who, _Noun) or not isinstance(doing, _Doing):
        return items
    before, rest = items[:at], items[at + 3 :]
    if doing.text.partition(" ")[0].endswith("ed"):
        return [*before, _Doing(f"{doing.text} by {who.said()}"), *rest]
    if before and isinstance(before[-1], _Noun):
        return [*before[:-1], who, doing, before[-1], *rest]
    return [*before, who, doing, *(rest[1:] if _is(rest[:1], Role.OF) else rest)]


def _taken(items: list[_Item]) -> list[_Item]:
    """把: what something is done to stands behind the verb in English."""
    at = next(
        (i for i, it in enumerate(items) if isinstance(it, _Mark) and it.role is Role.TAKEN), -1
    )
    verb = next((i for i in range(at + 2, len(items)) if isinstance(items[i], _Doing)), -1)
    if at < 0 or verb < 0 or not isinstance(items[at + 1], _Noun):
        return [it for it in items if not (isinstance(it, _Mark) and it.role is Role.TAKEN)]
    words = _text(items[verb]).split()
    cut = next((i for i, word in enumerate(words) if word in _WHITHER), len(words))
    doing, whither = " ".join(words[:cut]), " ".join(words[cut:])
    after: list[_Item] = [_Doing(doing), items[at + 1]]
    if whither:
        after.append(_Doing(whither))
    rest = items[verb + 1 :]
    if rest and isinstance(rest[0], _Place) and not whither:
        rest = [_Doing(rest[0].text), *rest[1:]]  # belongs to this verb, and to no later one
    return [*items[:at], *items[at + 2 : verb], *after, *rest]


def _whither(items: list[_Item]) -> list[_Item]:
    """A place behind a verb that says where to: jumping into · in the river ▶ into the river."""
    out: list[_Item] = []
    for item in items:
        last = out[-1] if out else None
        if isinstance(item, _Place) and isinstance(last, _Doing):
            ending = last.text.rpartition(" ")[2]
            place = item.text.removeprefix("in ").removeprefix("on ").removeprefix("from ")
            if ending in _WHITHER and place != item.text:
                out[-1] = _Doing(f"{last.text} {place}")
                continue
        out.append(item)
    return out


def _settled(items: list[_Item]) -> Iterator[_Item]:
    """A noun behind 在 without a word for where is in it."""
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if isinstance(item, _Mark) and item.role in (Role.AT, Role.FROM):
            following = items[at] if at < len(items) else None
            if isinstance(following, _Noun):
                yield _Place(f"{item.text or 'in'} {following.led()}")
                at += 1
        else:
            yield item


def _sentence(items: list[_Item]) -> str:
    """Who, what they do, to what, where: 在 a place ▶ behind what is done there."""
    out: list[str] = []
    places: list[str] = []
    noun = before = False  # whether a noun was the last word; whether somebody acts
    for at, item in enumerate(items):
        if isinstance(item, _Place):
            following = items[at + 1] if at + 1 < len(items) else None
            there = at > 0 and isinstance(items[at - 1], _Doing)  # 坐在院子里 剥玉米
            if isinstance(following, _Noun) or (isinstance(following, _Doing) and not there):
                places.append(item.text)
            else:
                out.append(item.text)
            noun = False
        elif isinstance(item, _Doing):
            following = items[at + 1] if at + 1 < len(items) else None
            if not before and isinstance(following, _Noun) and places:
                places.insert(0, item.text)  # 上面 站着 一只 鸟: a bird standing there
            else:
                out.append(item.text)
                if not isinstance(following, _Noun):
                    out += places
                    places = []
            noun = False
        elif isinstance(item, _Noun):
            alone = [place for place in places if place in _ALONE.values()]
            if noun:
                out.append(",")
            out += [*alone, item.said(), *(place for place in places if place not in alone)]
            places, noun, before = [], True, True
        else:
            out.append("and" if item.role is Role.AND else "")
            noun = noun and item.role is not Role.AND
    return _joined([*out, *places])


def _sentence_last(items: list[_Item]) -> str:
    """The same where the verb comes last."""
    subjects: list[str] = []
    objects: list[str] = []
    places: list[str] = []
    out: list[str] = []
    link = ""
    for item in items:
        if isinstance(item, _Place):
            places.append(item.text)
        elif isinstance(item, _Doing):
            out.append(_joined([*subjects, item.text, *objects, *places]))
            subjects, objects, places = [], [], []
        elif isinstance(item, _Noun):
            (objects if item.role is Role.OBJECT else subjects).append(f"{link}{item.said()}")
            link = ""
        elif item.role is Role.AND and subjects:
            link = "and "
    alone = [place for place in places if place in _ALONE.values()]
    rest = [place for place in places if place not in alone]
    nouns = [*subjects, *objects]
    said = [
        noun if not at or noun.startswith("and ") else f", {noun}" for at, noun in enumerate(nouns)
    ]
    return _joined([*alone, *said, *rest] if not out else [", ".join(out), *alone, *said, *rest])


def _joined(parts: Sequence[str]) -> str:
    return " ".join(" ".join(part for part in parts if part).replace(" ,", ",").split())
