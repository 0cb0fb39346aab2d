"""`python -m bot.languages`: what each language's file lacks, has twice or no longer needs.

`--tidy` takes out what is there twice (the last one stays) or no longer needed, and prints what is
missing as entries, to be filled in.  `--elsewhere` lists what people read and `tr` does not say.
"""

from __future__ import annotations

import argparse
import json
import sys

from bot.languages.catalogues import ENGLISH, FOLDER, languages
from bot.languages.elsewhere import unsaid
from bot.languages.extraction import Text
from bot.languages.review import Findings, entries, review


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
        if tidy and (found.duplicate or found.obsolete):
            _tidy(language, found)
            found = review(language)
        clean &= found.clean
        _tell(language, found)
    return 0 if clean else 1


def _tell(language: str, found: Findings) -> None:
    for text in found.missing:
        sys.stdout.write(entry(text))
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


def entry(text: Text) -> str:
    """A text as it is to be filled in."""
    lines = ["", f"#: {text.where}"]
    if text.context:
        lines.append(f"msgctxt {_quoted(text.context)}")
    if isinstance(text.key, str):
        lines += [f"msgid {_quoted(text.key)}", 'msgstr ""']
    else:
        one, many = text.key
        lines += [f"msgid {_quoted(one)}", f"msgid_plural {_quoted(many)}", 'msgstr[0] ""']
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _tidy(language: str, found: Findings) -> None:
    path = FOLDER / f"{language}.po"
    lines = path.read_text(encoding="utf-8").splitlines()
    head, rest = lines[:6], lines[6:]
    gone = {
        (*([f"msgctxt {_quoted(m.context)}"] if m.context else []), f"msgid {_quoted(first)}")
        for m in found.obsolete
        for first in [m.id if isinstance(m.id, str) else m.id[0]]
    }
    kept = {key: block for key, block in entries(rest) if key not in gone}
    path.write_text(
        "\n".join(head) + "\n" + "".join("\n" + "\n".join(b) + "\n" for b in kept.values()),
        encoding="utf-8",
    )


if __name__ == "__main__":
    sys.exit(main())
