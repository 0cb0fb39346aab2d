"""Days that people name: `2026-11-01`, `2026-11`, `today`, `yesterday`, `7d`, `3 weeks`, `上周`.

A day begins at midnight of UTC.  Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from generation.errors import OutOfRange

NAMED = {
    **dict.fromkeys(("today", "今天"), 0),
    **dict.fromkeys(("yesterday", "昨天"), 1),
    **dict.fromkeys(("last week", "a week ago", "上周", "一周前"), 7),
    **dict.fromkeys(("last month", "a month ago", "上个月", "一个月前"), 30),
}
_UNITS = {
    **dict.fromkeys(("d", "day", "days", "天", "日"), 1),
    **dict.fromkeys(("w", "week", "weeks", "周", "星期"), 7),
    **dict.fromkeys(("m", "month", "months", "月", "个月"), 30),
    **dict.fromkeys(("y", "year", "years", "年"), 365),
}
_AGO = re.compile(
    rf"(\d{{1,4}})\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})\s*(?:ago|前)?"
)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?月?")


def first_moment(text: str, *, now: float, option: str) -> float:
    """When the day begins, in Unix time.  Raises OutOfRange for what names no day."""
    return _moment(_span(text, now, option)[0])


def last_moment(text: str, *, now: float, option: str) -> float:
    """When the day, or the month, is over.  Raises OutOfRange for what names no day."""
    return _moment(_span(text, now, option)[1])


def _span(text: str, now: float, option: str) -> tuple[date, date]:
    """The first day, and the one after the last."""
    said, today = " ".join(text.casefold().split()), datetime.fromtimestamp(now, UTC).date()
    try:
        if (ago := _ago(said)) is not None:
            return today - timedelta(days=ago), today - timedelta(days=ago - 1)
        if (match := _DATE.fullmatch(said)) is not None:
            year, month = int(match[1]), int(match[2])
            if match[3] is None:
                return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
            day = date(year, month, int(match[3]))
            return day, day + timedelta(days=1)
    except (ValueError, OverflowError):
        pass  # no such day
    raise OutOfRange(option, text, "a day such as `2026-11-01`, `yesterday` or `7d`")


def _ago(said: str) -> int | None:
    if said in NAMED:
        return NAMED[said]
    match = _AGO.fullmatch(said)
    return int(match[1]) * _UNITS[match[2]] if match is not None else None


def _moment(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
