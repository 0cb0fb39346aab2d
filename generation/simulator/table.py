"""Figures as text: columns for a terminal, or Markdown for docs/fairness.md."""

from __future__ import annotations

from collections.abc import Sequence

from generation.simulator.policies import Contender
from generation.simulator.scenarios import Scenario
from generation.simulator.targets import Results, TargetVerdict

# Figures that are parts of one; all others are printed as whole numbers.
_FINE = {
    "jain": 3,
    "held": 1,
    "useful": 2,
    "burst": 2,
    "other": 3,
    "same": 3,
    "alts": 3,
    "error": 4,
}
_PARTS = 3  # digits of a person's part


def scenario(scenario: Scenario, results: Results, *, markdown: bool = False) -> str:
    """Means over the seeds, a line for each contender that was run."""
    rows = [["", *scenario.columns]]
    rows += [
        [contender.name, *_cells(scenario, contender, results)]
        for contender in scenario.contenders
        if (scenario.key, contender.name) in results.of
    ]
    if markdown:
        return f"**{scenario.key}**: {scenario.title}\n\n{_markdown(rows)}"
    return f"{scenario.key}: {scenario.title}\n{_columns(rows)}"


def verdicts(verdicts: Sequence[TargetVerdict], *, markdown: bool = False) -> str:
    """Every target that was judged, and how many were not."""
    judged = [verdict for verdict in verdicts if verdict.value is not None]
    rows = [["", "target", "limit", "measured", ""]]
    for verdict in judged:
        assert verdict.value is not None, "only those were kept"
        target = verdict.target
        result = "MISSED" if verdict.missed else "kept"
        rows.append([target.number, target.claim, target.limit, f"{verdict.value:.4g}", result])
    text = _markdown(rows) if markdown else _columns(rows)
    left = len(verdicts) - len(judged)
    return f"{text}\n{left} targets were not judged." if left else text


def _cells(scenario: Scenario, contender: Contender, results: Results) -> list[str]:
    cells = []
    for column in scenario.columns:
        fallback = _PARTS if column[0] == "W" or column == "least" else 0
        digits = _FINE.get(column, fallback)
        cells.append(f"{results.mean(scenario.key, contender, column):.{digits}f}")
    return cells


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if _is_number(rows, at) else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    rule = ["---:" if _is_number(rows, at) else "---" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))


def _is_number(rows: Sequence[Sequence[str]], at: int) -> bool:
    return at > 0 and all(row[at][:1].isdigit() or row[at][:1] == "-" for row in rows[1:])
