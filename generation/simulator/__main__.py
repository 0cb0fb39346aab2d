"""`python -m generation.simulator`: the table of policies and the list of targets.

    python -m generation.simulator                      everything, as `make simulate` does
    python -m generation.simulator R1 N4 --seeds 2      some days, fewer seeds
    python -m generation.simulator --first 101          days on which nothing was tuned
    python -m generation.simulator G --mutant unbounded-express

It ends with status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from generation.simulator import crowd, forecasts, table
from generation.simulator.mutants import MUTANTS
from generation.simulator.policies import FAIR, Contender
from generation.simulator.scenarios import SCENARIOS, SEEDS, Scenario
from generation.simulator.targets import Results, judge
from generation.simulator.traces import MEDIA_MEMORY, MEMORY, Trace, mixed, of_all_media

CROWD = "crowd"
# What was promised on R1, and on its twin of all media.
PROMISES: Mapping[str, Callable[[int], Trace]] = {
    "P": partial(mixed, models=MEMORY),
    "V-P": partial(of_all_media, models=MEDIA_MEMORY),
}


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; print it; 1 when a target is missed."""
    options = _options(arguments)
    if options.plots:
        from generation.simulator import plots

        plots.draw(options.plots)
        return 0
    began = time.monotonic()
    results = Results()
    for scenario in SCENARIOS:
        if _wanted(scenario.key, options.scenarios):
            if not _run(scenario, results, options):
                continue
            print(table.scenario(scenario, results, markdown=options.markdown), end="\n\n")
            sys.stdout.flush()
    if _wanted(CROWD, options.scenarios):
        results.add(CROWD, FAIR.name, crowd.figures(_mutated(FAIR, options.mutant)))
    for key, trace in PROMISES.items():
        if _wanted(key, options.scenarios):
            for seed in range(options.first, options.first + options.seeds):
                results.add(key, FAIR.name, forecasts.figures(trace(seed)))
    verdicts = judge(results)
    print(table.verdicts(verdicts, markdown=options.markdown))
    missed = [verdict.target.number for verdict in verdicts if verdict.missed]
    seconds = time.monotonic() - began
    print(f"\nMeans of {options.seeds} seeds; {seconds:.0f} s.", end=" ")
    print(f"Missed: {', '.join(missed)}." if missed else "No target was missed.")
    return 1 if missed else 0


def _run(scenario: Scenario, results: Results, options: argparse.Namespace) -> bool:
    """False when nobody takes part."""
    wanted = [c for c in scenario.contenders if c.name in (options.policies or [c.name])]
    for contender in wanted:
        for seed in range(options.first, options.first + options.seeds):
            figures = scenario.figures(_mutated(contender, options.mutant), seed)
            results.add(scenario.key, contender.name, figures)
    return bool(wanted)


def _mutated(contender: Contender, mutant: str | None) -> Contender:
    if mutant is None or contender is not FAIR:
        return contender
    return MUTANTS[mutant]


def _wanted(key: str, wanted: Sequence[str]) -> bool:
    return not wanted or key in wanted or key.partition("-")[0] in wanted


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    keys = [scenario.key for scenario in SCENARIOS] + ["E", "F", "V", "W", *PROMISES, CROWD]
    parser = argparse.ArgumentParser(prog="python -m generation.simulator")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(dict.fromkeys(keys))}")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many days of each kind")
    parser.add_argument("--first", type=int, default=SEEDS[0], help="the first seed")
    parser.add_argument("--policies", nargs="*", help="only these contenders")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="switch a part of ours off")
    parser.add_argument("--markdown", action="store_true", help="as in docs/fairness.md")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="only draw the plots there")
    options = parser.parse_args(arguments)
    if unknown := set(options.scenarios) - set(keys):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
