"""What people may have in a server: limits and weights of roles, quotas, and refusals by them.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.languages.speaking import mark, tr, trn
from bot.pages.server_pages import MOST, role_named
from bot.studio.quotas import Limit, Quota, QuotaSpent, TooLarge
from bot.studio.servers import ServerRules
from storage.servers import ServerRule

NAMES = {
    Limit.PICTURES_DAY: mark("pictures a day"),
    Limit.PICTURES_WEEK: mark("pictures a week"),
    Limit.MINUTES_DAY: mark("minutes of the device a day"),
    Limit.MINUTES_WEEK: mark("minutes of the device a week"),
    Limit.OPEN: mark("open requests"),
    Limit.SIDE: mark("pixels of the longer side"),
    Limit.STEPS: mark("steps"),
    Limit.COUNT: mark("pictures in a request"),
}


def limits_page(rules: ServerRules) -> str:
    """What is limited, role by role."""
    said = rules.by_rule.get(ServerRule.LIMIT, {})
    lines = [f"**{tr('What people may ask for here')}**"]
    for role in rules.numbers(ServerRule.LIMIT):
        value = said[str(role)]
        numbers = value if isinstance(value, Mapping) else {}
        lines.append(f"{role_named(role, rules.guild or 0)}: {_numbers(numbers)}")
    if len(lines) == 1:
        lines.append(tr("Nothing is limited. `@everyone` as `role` limits all."))
    lines.append(
        tr(
            "Of several roles the largest number counts. What fails or is cancelled is given back; "
            "days begin at midnight, weeks on Mondays (UTC)."
        )
    )
    return "\n".join(lines)[:MOST]


def _numbers(numbers: Mapping[str, float]) -> str:
    said = []
    for limit in Limit:
        if limit in numbers:
            number = numbers[limit]
            count = f"{number:g}" if number else tr("any number of")
            said.append(f"{count} {tr(NAMES[limit])}")
    return ", ".join(said)


def weights_page(rules: ServerRules) -> str:
    """Who weighs how much in this server's part of the device."""
    lines = [f"**{tr('Who has which part of this server’s drawing time')}**"]
    for rule, mention in ((ServerRule.ROLE_WEIGHT, "<@&{}>"), (ServerRule.PERSON_WEIGHT, "<@{}>")):
        for number in rules.numbers(rule):
            name = mention.format(number)
            if rule is ServerRule.ROLE_WEIGHT:
                name = role_named(number, rules.guild or 0)
            lines.append(f"{name}: {rules.value(rule, str(number))}")
    if len(lines) == 1:
        lines.append(tr("All members weigh the same, or as whoever runs the bot decided."))
    lines.append(
        tr(
            "With a weight of 2, somebody is drawn for twice as long as with 1 while both wait. A "
            "person's own weight counts before their roles', of which the largest does; the part "
            "of this server among others stays."
        )
    )
    return "\n".join(lines)[:MOST]


def quota_page(quotas: Sequence[Quota]) -> str:
    """What is left for whoever asks."""
    if not quotas:
        return tr("Nothing limits how much you may ask for here.")
    lines = [f"**{tr('What is left for you here')}**"]
    for quota in quotas:
        left, most = _amount(quota.left), _amount(quota.most)
        line = f"{left}/{most} {tr(NAMES[quota.limit])}"
        lines.append(line if quota.renews is None else f"{line} · {_renewed(quota.renews)}")
    return "\n".join(lines)


def _renewed(at: float) -> str:
    return tr("new {when}", when=f"<t:{at:.0f}:R>")


def too_large(error: TooLarge) -> str:
    """What to ask for instead."""
    most, asked = f"{error.most:g}", f"{error.asked:g}"
    match error.limit:
        case Limit.COUNT:
            return trn(
                "In this server you may have {n} picture in a request, and that would be {asked}. "
                "Please ask for fewer (`count`).",
                "In this server you may have {n} pictures in a request, and that would be {asked}. "
                "Please ask for fewer (`count`).",
                int(error.most),
                asked=asked,
            )
        case Limit.STEPS:
            return tr(
                "In this server you may ask for {most} steps at most, and that would be {asked}. "
                "`steps` says fewer.",
                most=most,
                asked=asked,
            )
    return tr(
        "In this server pictures of yours may have {most} pixels at their longer side, and that "
        "would have {asked}. `size` says a smaller one.",
        most=most,
        asked=asked,
    )


def quota_spent(error: QuotaSpent) -> str:
    """What is left, and when it is new."""
    quota = error.quota
    if quota.renews is None:
        return trn(
            "In this server you may have {n} open request at a time. Let it finish, or "
            "`/cancel` it.",
            "In this server you may have {n} open requests at a time. Let one finish, or "
            "`/cancel` one.",
            int(quota.most),
        )
    return tr(
        "That is more than you have left in this server: {left} of {most} {what}, and that would "
        "take {asked}. Your quota is new {when}; `/stats quota` shows it.",
        left=_amount(quota.left),
        most=_amount(quota.most),
        what=tr(NAMES[quota.limit]),
        asked=_amount(error.asked),
        when=f"<t:{quota.renews:.0f}:R>",
    )


def _amount(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:.1f}"
