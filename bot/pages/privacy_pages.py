"""The pages of /privacy: what there is of somebody, what is erased and what stays, what was found.

Pure.  Invariant: what is not erased is said before it is asked, and again afterwards.
"""

from __future__ import annotations

from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code
from bot.studio.privacy import Erased, PersonalHoldings

ERASING = mark("⏳ Everything of yours is being erased…")
KEPT_AFTER_ALL = mark("Nothing was erased.")
MIB = 2**20


def confirm_page(held: PersonalHoldings) -> str:
    """What goes, what stays, and that it is for good."""
    lines = [
        f"**{tr('Erase everything of yours here, for good?')}**",
        tr(
            "What goes: {pictures} pictures with their files, recipes and search entries; what you "
            "typed in {requests} requests ({open} of them open: they are cancelled), and the words "
            "found for it; {presets} presets, also those that you shared; {stars} favourites; "
            "settings, quotas, the queue's accounts, your language, and your id in {lines} lines "
            "of servers' logs and in the program's log.",
            pictures=held.pictures,
            requests=held.requests,
            open=held.open_requests,
            presets=held.presets,
            stars=held.favourites,
            lines=held.audit_lines,
        ),
        trn(
            "What stays: {n} picture that others made of yours or drew again: their pixels, and "
            "the words that these people asked for, which may repeat yours. It no longer says "
            "whose it was; where it starts from a picture of yours, that stays as bare pixels.",
            "What stays: {n} pictures that others made of yours or drew again: their pixels, and "
            "the words that these people asked for, which may repeat yours. They no longer say "
            "whose they were; where they start from a picture of yours, that stays as bare pixels.",
            held.used_by_others,
        ),
        tr(
            "What you decided for a server stays the server's, the words that it refuses among "
            "it; who decided it, and why drawing rests, is forgotten."
        ),
        tr(
            "What I cannot reach: messages in Discord (delete them with 🗑️ first, as I will not "
            "know them any more), and backups that whoever runs the bot made: those end when they "
            "are replaced. A block in a server stays, as a fingerprint without your name."
        ),
        tr("`/privacy export` gives you all of it before."),
    ]
    return "\n".join(lines)


def erased_page(erased: Erased) -> str:
    """What was done, and what a search found afterwards."""
    amount = f"{erased.looked_bytes / MIB:.1f} MiB"
    if erased.found:
        found = ", ".join(code(name, 80) for name in erased.found[:5])
        proof = tr(
            "⚠️ I searched {files} files, {amount}, and something of yours is still in: {found}. "
            "Please tell whoever runs the bot.",
            files=erased.looked_files,
            amount=amount,
            found=found,
        )
    else:
        proof = tr(
            "✅ I searched {files} files, {amount}, for your id, your names and what you wrote: "
            "nothing of you is left.",
            files=erased.looked_files,
            amount=amount,
        )
    lines = [
        proof,
        tr(
            "{dropped} files were erased, {struck} entries struck out of the log.",
            dropped=erased.files,
            struck=erased.log_lines,
        ),
    ]
    if erased.bare:
        lines.append(
            trn(
                "{n} picture stays as bare pixels, because somebody's recipe starts from it.",
                "{n} pictures stay as bare pixels, because others' recipes start from them.",
                erased.bare,
            )
        )
    if erased.shared:
        lines.append(
            trn(
                "{n} text of yours stands in what others asked for, too; there it is theirs.",
                "{n} texts of yours stand in what others asked for, too; there they are theirs.",
                erased.shared,
            )
        )
    lines.append(tr("Backups and messages in Discord were not touched."))
    return "\n".join(lines)


def export_page(parts: int, up_to: int, *, more: bool) -> str:
    """What was sent, and how to get the rest."""
    if more:
        return tr(
            "That was up to picture #{up_to}. `/privacy export first: {next}` goes on.",
            up_to=up_to,
            next=up_to + 1,
        )
    return trn(
        "{n} file: everything that I keep of you.",
        "{n} files: everything that I keep of you.",
        parts,
    )
