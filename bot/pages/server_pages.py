"""The pages of /server: what is decided in a server, and who decided it when.

Pure.  Invariant: what is as usual is said, too, so that an admin sees what can be decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, quoted
from bot.studio.servers import ServerRules
from bot.studio.weekly import WeeklyTime
from storage.servers import AuditLine, ModeratorAct, RuleValue, ServerRule

PAGE = 10  # lines of the log
MOST = 1900  # characters of a page: Discord's 2000, less what is written around it
LISTED = 900  # of these, of one list

SAID_SO = mark("It was so already; nothing was changed.")


def policy_page(rules: ServerRules, *, classifier: str | None) -> str:
    """Who and what is refused; `classifier`: what tells whether a picture is for everybody."""
    blocked = _listed(f"<@{person}>" for person in rules.numbers(ServerRule.BLOCKED))
    words = _listed(code(word, 60) for word in rules.subjects(ServerRule.WORD))
    lines = [
        f"**{tr('What is refused here')}**",
        tr("Blocked people: {people}", people=blocked or tr("nobody")),
        tr("Words that are not drawn: {words}", words=words or tr("none of this server's own")),
    ]
    if rules.value(ServerRule.PRIVATE) is False:
        lines.append(tr("Private pictures: no. What is drawn here is seen by all in its channel."))
    else:
        lines.append(tr("Private pictures: yes. `/imagine private:True` is for one person alone."))
    if rules.value(ServerRule.MARKED) is None:
        lines.append(tr("What is not for everybody: nothing looks for it."))
    elif classifier is None:
        lines.append(
            tr(
                "What is not for everybody: nothing here can tell it any more, so every picture is "
                "its owner's alone outside of age-restricted channels. Whoever runs the bot can "
                "bring the scorer back that `safety_scorer` names."
            )
        )
    else:
        lines.append(
            tr(
                "What is not for everybody: its owner's alone outside of age-restricted channels, "
                "as {classifier} judges it.",
                classifier=code(classifier),
            )
        )
    return "\n".join(lines)[:MOST]


def channels_page(rules: ServerRules) -> str:
    """Where pictures are drawn, and where they are hidden."""
    allowed = _listed(f"<#{channel}>" for channel in rules.numbers(ServerRule.CHANNEL))
    hidden = _listed(f"<#{channel}>" for channel in rules.numbers(ServerRule.SPOILER))
    return "\n".join(
        (
            f"**{tr('Where pictures are drawn')}**",
            tr("Drawn in: {channels}", channels=allowed or tr("every channel that I see")),
            tr("Hidden until clicked: {channels}", channels=hidden or tr("nowhere")),
            tr("Threads and posts are as their channel is, channels as their category is."),
        )
    )[:MOST]


def rest_page(rules: ServerRules) -> str:
    """Whether anything is drawn."""
    if rules.rest is None:
        return tr("Pictures are drawn here. `/server pause drawing:` lets that rest.")
    return tr(
        "Drawing rests here{reason}. What waits keeps its place; what had begun is finished. "
        "`/server pause` with `drawing: goes on` ends it.",
        reason=f" ({quoted(rules.rest)})" if rules.rest else "",
    )


def hidden_page(kind: ServerRule, names: Iterable[str]) -> str:
    """The styles or models that are not offered."""
    hidden = _listed(code(name, 60) for name in names)
    if kind is ServerRule.MODEL:
        head = tr("Models that are not offered here")
    else:
        head = tr("Styles that are not offered here")
    return f"**{head}**\n{hidden or tr('none: everything that is installed is offered')}"[:MOST]


WEEKDAYS = (
    *(mark("Monday"), mark("Tuesday"), mark("Wednesday"), mark("Thursday")),
    *(mark("Friday"), mark("Saturday"), mark("Sunday")),
)


def weekly_page(rules: ServerRules) -> str:
    """Where and when the best of the week is posted."""
    said = _weekly(rules.value(ServerRule.WEEKLY))
    text = f"**{tr('The best of the week')}**\n{said}"
    if rules.value(ServerRule.WEEKLY) is None:
        return f"{text}\n-# {tr('`/server weekly channel:` lets it be posted.')}"
    return f"{text}\n-# {tr(COUNTED)}"


COUNTED = mark(
    "Up to eight pictures of the seven days before, those with the most ⭐ first, of channels that "
    "everybody there may read. Nothing is posted when none has a ⭐."
)


def _weekly(value: RuleValue | None) -> str:
    time = WeeklyTime.read(value)
    if time is None:
        return tr("not posted")
    day = tr(WEEKDAYS[time.weekday])
    return tr(
        "{channel}, {day}, {hour}:00 UTC", channel=f"<#{time.channel}>", day=day, hour=time.hour
    )


def audit_page(lines: Sequence[AuditLine], page: int, count: int) -> str:
    """A page of the log, the newest first."""
    if not count:
        return tr("Nothing was decided here yet, and no moderator has deleted anything.")
    pages = -(-count // PAGE)
    head = trn("{n} line, page {page} of {pages}", "{n} lines, page {page} of {pages}", count,
               page=page + 1, pages=pages)  # fmt: skip
    text = f"**{tr('What was decided and done here')}** ({head})"
    for line in lines:
        text = f"{text}\n{audit_line(line)}"[:MOST]
    return text


def audit_line(line: AuditLine) -> str:
    """Who did what, when, and what it was before."""
    when, who = f"<t:{int(line.at)}:f>", _person(line.by)
    if isinstance(line.act, ModeratorAct):
        return f"{when} {who}: " + tr(
            _ACTS[line.act], request=line.subject, person=_person(line.person)
        )
    what = tr(_RULES[line.act], subject=_SUBJECTS.get(line.act, _word)(line))
    said = _weekly if line.act is ServerRule.WEEKLY else _value
    return f"{when} {who}: {what}: {said(line.before)} → {said(line.after)}"


_ACTS = {
    ModeratorAct.DELETED: mark("deleted the pictures of request {request}, of {person}"),
    ModeratorAct.RESTORED: mark("brought back the pictures of request {request}, of {person}"),
    ModeratorAct.CANCELLED: mark("cancelled request {request}, of {person}"),
}

_RULES = {
    ServerRule.CHANNEL: mark("drawing in {subject}"),
    ServerRule.SPOILER: mark("pictures hidden until clicked in {subject}"),
    ServerRule.BLOCKED: mark("{subject} blocked"),
    ServerRule.WORD: mark("the words {subject} refused"),
    ServerRule.PRIVATE: mark("private pictures"),
    ServerRule.MARKED: mark("what is not for everybody in age-restricted channels only"),
    ServerRule.STYLE: mark("the style {subject} hidden"),
    ServerRule.MODEL: mark("the model {subject} hidden"),
    ServerRule.REST: mark("drawing rests"),
    ServerRule.ROLE_WEIGHT: mark("the weight of {subject}"),
    ServerRule.PERSON_WEIGHT: mark("the weight of {subject}"),
    ServerRule.LIMIT: mark("the limits of {subject}"),
    ServerRule.WEEKLY: mark("the best of the week"),
}


def _channel(line: AuditLine) -> str:
    return f"<#{line.subject}>"


def _role(line: AuditLine) -> str:
    return role_named(int(line.subject), line.guild)


def _concerned(line: AuditLine) -> str:
    return _person(line.person)


def _model(line: AuditLine) -> str:
    return code(str(line.before or line.after), 60)


def _word(line: AuditLine) -> str:
    return code(line.subject, 60)


_SUBJECTS: Mapping[ServerRule, Callable[[AuditLine], str]] = {
    ServerRule.CHANNEL: _channel,
    ServerRule.SPOILER: _channel,
    ServerRule.BLOCKED: _concerned,
    ServerRule.PERSON_WEIGHT: _concerned,
    ServerRule.ROLE_WEIGHT: _role,
    ServerRule.LIMIT: _role,
    ServerRule.MODEL: _model,
}


def role_named(role: int, guild: int) -> str:
    """A role as Discord writes it; the one that everybody has is called after the server's id."""
    return "@everyone" if role == guild else f"<@&{role}>"


def _person(person: int | None) -> str:
    return tr("somebody whose data was erased") if person is None else f"<@{person}>"


def _value(value: RuleValue | None) -> str:
    match value:
        case None:
            return tr("as usual")
        case True:
            return tr("yes")
        case False:
            return tr("no")
        case str():
            return quoted(value, 120) or tr("yes")
        case int() | float():
            return f"{value:g}"
    return ", ".join(f"{tr(name)} {number:g}" for name, number in value.items())


def _listed(names: Iterable[str]) -> str:
    """As many as fit, and how many more there are."""
    shown = list(names)
    count = len(shown)
    while len(", ".join(shown)) > LISTED:
        shown.pop()
    more = count - len(shown)
    text = ", ".join(shown)
    return f"{text} {trn('and {n} more', 'and {n} more', more)}" if more else text
