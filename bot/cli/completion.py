"""What a shell completes on the command line: a script for bash, and for zsh through bashcompinit.

Invariant: it offers what the parser takes, and leaves every line alone that does not start the
launcher.  The shell's own completion of file names stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

_SCRIPT = """\
# source <(python start.py completion)
# In zsh, before it: autoload -U bashcompinit; bashcompinit
_atelier() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} at words=
    COMPREPLY=()
    for ((at = 0; at < COMP_CWORD; at++)); do
        [[ ${{COMP_WORDS[at]}} == start.py || ${{COMP_WORDS[at]}} == */start.py ]] && break
    done
    ((at < COMP_CWORD)) || return 0
    if ((at + 1 == COMP_CWORD)); then
        words="{commands}"
    elif [[ $word == -* || $before == -* ]]; then
        case "${{COMP_WORDS[at+1]}} $before" in
{choices}
        *) case ${{COMP_WORDS[at+1]}} in
{options}
        esac ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _atelier start.py python python3
"""


def completion(parser: argparse.ArgumentParser, also: Iterable[str]) -> str:
    """The script, for the parser's commands and for others that only the launcher knows."""
    commands = _commands(parser)
    options, choices = [], []
    for name, command in commands.items():
        said = [o for action in command._actions for o in action.option_strings]
        options.append(f'        {name}) [[ $word == -* ]] && words="{" ".join(said)}" ;;')
        choices += [
            f'        "{name} {option}") words="{" ".join(map(str, action.choices))}" ;;'
            for action in command._actions
            if action.choices
            for option in action.option_strings
        ]
    return _SCRIPT.format(
        commands=" ".join(dict.fromkeys([*commands, *also])),
        options="\n".join(options),
        choices="\n".join(choices),
    )


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)
