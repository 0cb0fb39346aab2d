"""`python -m bot.languages`: what each language's file lacks, has twice or no longer needs.

`--tidy` takes out what is there twice (the last one stays) or no longer needed, and prints what is
missing as entries, to be filled in.  `--elsewhere` lists what people read and `tr` does not say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys

from bot.languages.catalogues import ENGLISH, file_of, languages, read
from bot.languages.elsewhere import unsaid
from bot.languages.review import COMMAND, HEAD, Findings, forms, review
from bot.languages.speaking import NAME


def main() -> int:
    """Tell, tidy, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m bot.languages", description=__doc__)
    parser.add_argument("--tidy", action="store_true", help="take out what is twice or obsolete")
    parser.add_argument("--elsewhere", action="store_true", help="list what is not said by tr")
    asked = parser.parse_args()
    tidy: bool = asked.tidy
    if asked.elsewhere:
        found_elsewhere = list(unsaid())
        for one in found_elsewhere:
            sys.stdout.write(f"{one.file}:{one.line}: {one.text!r}\n")
        return 1 if found_elsewhere else 0
    clean = True
    for language in languages():
        if language == ENGLISH:
            continue
        found = review(language)
        if tidy:
            _tidy(language, found)
            found = review(language)
        clean &= found.clean
        _tell(language, found)
    return 0 if clean else 1


def _tell(language: str, found: Findings) -> None:
    for text in found.missing:
        sys.stdout.write(f"\n#: {text.where}\n{entry(text.key, text.context, ('',))}")
    for kind, lines in (
        ("obsolete", [f"{m.context or ''} {m.id}".strip() for m in found.obsolete]),
        ("twice", found.duplicate),
        ("gaps that do not fit", found.unfit),
        ("not a text in a line", found.broken),
    ):
        for line in lines:
            sys.stdout.write(f"{language}: {kind}: {line}\n")
    told = f"{len(found.missing)} missing, {len(found.obsolete)} obsolete"
    sys.stdout.write(f"# {language}: {told}, {len(found.duplicate)} twice\n")


def entry(key: str | tuple[str, str], context: str, said: tuple[str, ...]) -> str:
    """A text and what is said for it, a line each."""
    lines = [f"msgctxt {_quoted(context)}"] if context else []
    if isinstance(key, str):
        lines += [f"msgid {_quoted(key)}", f"msgstr {_quoted(said[0])}"]
    else:
        lines += [f"msgid {_quoted(key[0])}", f"msgid_plural {_quoted(key[1])}"]
        lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(said)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _tidy(language: str, found: Findings) -> None:
    """Write the file anew: each needed text once, in a line, commands called as Discord does."""
    path = file_of(language)
    lines = path.read_text(encoding="utf-8").splitlines()
    gone = {(m.context, m.id) for m in found.obsolete}
    catalog = read(language)
    names = {message.id: message.string for message in catalog if message.context == NAME}

    def shown(command: re.Match[str]) -> str:
        return "/" + str(names.get(command[1], command[1]))

    written = ["\n".join(lines[:HEAD]) + "\n"]
    for message in catalog:
        if message.id and (message.context, message.id) not in gone:
            key = message.id if isinstance(message.id, str) else (message.id[0], message.id[1])
            said = tuple(COMMAND.sub(shown, form) for form in forms(message))
            written.append(entry(key, message.context or "", said))
    path.write_text("\n".join(written), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
