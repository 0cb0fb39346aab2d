"""The register of what is a person's: every table, every column, and what becomes of it.

    persons   ids of people
    words     what somebody wrote, or what was made of it
    others    what names nobody

Invariant: each column of the database stands here once (`tests/test_personal.py` compares the two),
each with `persons` or `words` is exported by `theirs` and taken care of in `ERASE`.  So a new table
cannot be forgotten: without its line here nothing passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalTable:
    """What a table holds of people.  `theirs`: the rows of one, ":person"; None: no row is."""

    persons: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    theirs: str | None = None


_REQUESTS = "SELECT id FROM requests WHERE owner = :person"
_TICKETS = f"SELECT id FROM tickets WHERE request IN ({_REQUESTS})"
_PICTURES = "SELECT id FROM pictures WHERE owner = :person"
_RECIPES = f"SELECT recipe FROM tickets WHERE request IN ({_REQUESTS})"
_OF_REQUESTS = f"request IN ({_REQUESTS})"

REGISTER: Mapping[str, PersonalTable] = {
    "accounts": PersonalTable(
        persons=("user",),
        others=("share_group", "tag", "weight", "group_weight"),
        theirs="user = :person",
    ),
    "answers": PersonalTable(persons=("message",), others=("request",), theirs=f"{_OF_REQUESTS}"),
    "audit": PersonalTable(
        persons=("by", "person", "subject"),
        words=("before", "after"),
        others=("id", "guild", "at", "act"),
        theirs="by = :person OR person = :person",
    ),
    "costs": PersonalTable(others=("one", "text")),
    "deletions": PersonalTable(
        persons=("by",), others=("request", "until"), theirs=f"by = :person OR {_OF_REQUESTS}"
    ),
    "environments": PersonalTable(others=("id", "text")),
    "erasures": PersonalTable(persons=("person",), words=("traces", "files"), others=("since",)),
    "favourites": PersonalTable(
        persons=("person",), others=("picture", "since"), theirs="person = :person"
    ),
    "found": PersonalTable(
        persons=("owner",),
        words=("words",),
        others=("model", "style", "channel"),
        theirs=f"rowid IN ({_PICTURES})",
    ),
    "found_down_to": PersonalTable(others=("one", "picture")),
    "last_seeds": PersonalTable(
        persons=("person",), others=("channel", "seed"), theirs="person = :person"
    ),
    "locales": PersonalTable(
        persons=("user",), others=("heard", "chosen"), theirs="user = :person"
    ),
    "outbox": PersonalTable(
        persons=("message", "direct"),
        others=(
            *("request", "attempts", "open", "shown_in", "held", "held_at", "again_at"),
            *("refusals", "returned"),
        ),
        theirs=_OF_REQUESTS,
    ),
    "pictures": PersonalTable(
        persons=("owner", "message"),
        others=(
            *("id", "ticket", "recipe", "environment", "png_sha256", "pixels_sha256"),
            *(
                "latents_sha256",
                "seconds",
                "ordinal",
                "drawn_at",
                "deleted",
                "kept",
                "score",
                "withheld",
                "medium",
            ),
            "scorer",
        ),
        theirs="owner = :person",
    ),
    "presets": PersonalTable(
        persons=("id", "author"),
        words=("folded", "name", "text"),
        others=("level", "saved"),
        theirs="author = :person OR (level = 'person' AND id = :person)",
    ),
    "promises": PersonalTable(others=("one", "text")),
    "recipe_inputs": PersonalTable(others=("sha256", "recipe"), theirs=f"recipe IN ({_RECIPES})"),
    "recipes": PersonalTable(words=("text",), others=("id",), theirs=f"id IN ({_RECIPES})"),
    "reposts": PersonalTable(
        persons=("message",),
        others=("picture", "channel"),
        theirs=f"picture IN ({_PICTURES})",
    ),
    "requests": PersonalTable(
        persons=("owner", "reply_to", "progress_message", "source"),
        words=("words", "notes", "revision", "sheet"),
        others=(
            *("id", "guild", "channel", "locale", "parent", "reproduces", "expects", "created"),
            "expects_file",
            *("share_group", "group_weight", "weight", "scorer", "private"),
        ),
        theirs="owner = :person",
    ),
    "searches": PersonalTable(
        persons=("owner", "person"), words=("text",), others=("id",), theirs="owner = :person"
    ),
    "served": PersonalTable(
        persons=("user",),
        others=("bucket", "share_group", "seconds", "swap_seconds"),
        theirs="user = :person",
    ),
    "server_rules": PersonalTable(
        persons=("subject",),
        words=("value",),
        others=("guild", "rule"),
        theirs="rule IN ('blocked', 'person weight') AND subject = CAST(:person AS TEXT)",
    ),
    "settings": PersonalTable(
        persons=("id",),
        words=("text",),
        others=("level",),
        theirs="level = 'person' AND id = :person",
    ),
    "share_groups": PersonalTable(others=("name", "clock")),
    "standing_presets": PersonalTable(
        persons=("person", "id"),
        words=("folded",),
        others=("channel", "level"),
        theirs="person = :person",
    ),
    "synced_commands": PersonalTable(others=("application", "guild", "digest", "versions")),
    "tickets": PersonalTable(
        words=("reason",),
        others=(
            *("id", "request", "ordinal", "recipe", "cost", "state", "tries", "epoch", "seat"),
            "started_at",
        ),
        theirs=_OF_REQUESTS,
    ),
    "unsettled": PersonalTable(others=("job", "seconds", "charged"), theirs=f"job IN ({_TICKETS})"),
    "unconfirmed": PersonalTable(
        persons=("owner",), words=("text",), others=("id", "since"), theirs="owner = :person"
    ),
    "used_links": PersonalTable(others=("serial", "until")),
    "weekly_posts": PersonalTable(others=("guild", "begun_at", "done_at")),
    "wordings": PersonalTable(
        words=("wish", "own_negative", "prompt", "negative", "slots", "raw", "note"),
        others=("request", "writer", "digest", "template", "seed", "seconds", "dialect", "style"),
        theirs=_OF_REQUESTS,
    ),
}

# Whoever drew with a shared preset was told its name, in quotation marks: that line goes.
_NAMES_PRESET = """EXISTS (
    SELECT 1 FROM presets WHERE author = :person AND instr({said}, '“' || substr(name, 1, 30)))"""
_UNNAME_PRESETS = f"""
UPDATE requests SET notes = (
    SELECT json_group_array(value) FROM json_each(requests.notes)
    WHERE NOT {_NAMES_PRESET.format(said="value")})
WHERE owner <> :person AND {_NAMES_PRESET.format(said="requests.notes")}
"""

_REASONS = "SELECT after FROM audit WHERE act = 'rest' AND by = :person"

# What others made of their pictures stays and no longer says of what; a block stays as a
# fingerprint that names nobody (`storage.erasures`).
ERASE = (
    f"UPDATE requests SET parent = NULL WHERE parent IN ({_PICTURES})",
    f"UPDATE requests SET reproduces = NULL WHERE reproduces IN ({_PICTURES})",
    "UPDATE deletions SET by = 0 WHERE by = :person",
    # Why drawing rests is a sentence of theirs; that it rests is the server's.
    f"UPDATE server_rules SET value = '\"\"' WHERE rule = 'rest' AND value IN ({_REASONS})",
    f"UPDATE audit SET before = '\"\"' WHERE act = 'rest' AND before IN ({_REASONS})",
    "UPDATE audit SET after = '\"\"' WHERE act = 'rest' AND by = :person AND after IS NOT NULL",
    "UPDATE audit SET by = NULL WHERE by = :person",
    "UPDATE audit SET person = NULL, subject = '' "
    "WHERE person = :person OR subject = CAST(:person AS TEXT)",
    "DELETE FROM server_rules WHERE subject = CAST(:person AS TEXT)",
    f"DELETE FROM found WHERE rowid IN ({_PICTURES})",
    _UNNAME_PRESETS,
    f"DELETE FROM favourites WHERE person = :person OR picture IN ({_PICTURES})",
    f"DELETE FROM reposts WHERE picture IN ({_PICTURES})",
    f"DELETE FROM unsettled WHERE job IN ({_TICKETS})",
    f"DELETE FROM wordings WHERE {_OF_REQUESTS}",
    f"DELETE FROM answers WHERE {_OF_REQUESTS}",
    f"DELETE FROM deletions WHERE {_OF_REQUESTS}",
    f"DELETE FROM outbox WHERE {_OF_REQUESTS}",
    "CREATE TEMP TABLE IF NOT EXISTS left_recipes (id TEXT)",
    f"INSERT INTO temp.left_recipes {_RECIPES}",
    "INSERT INTO temp.left_recipes SELECT recipe FROM pictures WHERE owner = :person",
    "DELETE FROM pictures WHERE owner = :person",
    f"DELETE FROM tickets WHERE {_OF_REQUESTS}",
    "DELETE FROM requests WHERE owner = :person",
    "DELETE FROM temp.left_recipes WHERE id IN (SELECT recipe FROM tickets) "
    "OR id IN (SELECT recipe FROM pictures)",
    "DELETE FROM recipe_inputs WHERE recipe IN (SELECT id FROM temp.left_recipes)",
    "DELETE FROM recipes WHERE id IN (SELECT id FROM temp.left_recipes)",
    "DROP TABLE temp.left_recipes",
    "DELETE FROM accounts WHERE user = :person",
    "DELETE FROM served WHERE user = :person",
    "DELETE FROM locales WHERE user = :person",
    "DELETE FROM last_seeds WHERE person = :person",
    "DELETE FROM settings WHERE level = 'person' AND id = :person",
    "DELETE FROM standing_presets WHERE person = :person "
    "OR (level, id, folded) IN (SELECT level, id, folded FROM presets WHERE author = :person)",
    "DELETE FROM presets WHERE author = :person OR (level = 'person' AND id = :person)",
    "DELETE FROM unconfirmed WHERE owner = :person",
    "DELETE FROM searches WHERE owner = :person OR person = :person",
)

# What a person wrote: a raw search looks for it afterwards.
WRITTEN = f"""
SELECT words AS text FROM requests WHERE owner = :person
UNION SELECT wish FROM wordings WHERE {_OF_REQUESTS}
UNION SELECT own_negative FROM wordings WHERE {_OF_REQUESTS}
UNION SELECT prompt FROM wordings WHERE {_OF_REQUESTS}
UNION SELECT json_extract(text, '$.prompt') FROM recipes WHERE id IN ({_RECIPES})
UNION SELECT json_extract(text, '$.negative_prompt') FROM recipes WHERE id IN ({_RECIPES})
UNION SELECT json_extract(revision, '$.typed') FROM requests WHERE owner = :person
UNION SELECT name FROM presets WHERE author = :person
UNION SELECT json_extract(after, '$') FROM audit WHERE act = 'rest' AND by = :person
UNION SELECT json_extract(text, '$.negative_prompt') FROM settings
    WHERE level = 'person' AND id = :person
"""

# Everything that others wrote, or that was made of it.
OTHERS_TEXTS = """
SELECT words AS text FROM requests UNION ALL SELECT notes FROM requests
UNION ALL SELECT revision FROM requests UNION ALL SELECT text FROM recipes
UNION ALL SELECT wish || ' ' || prompt || ' ' || negative || ' ' || raw FROM wordings
UNION ALL SELECT name || ' ' || text FROM presets UNION ALL SELECT text FROM settings
UNION ALL SELECT text FROM searches UNION ALL SELECT subject || ' ' || value FROM server_rules
"""

FILES = f"""
SELECT png_sha256 AS sha256 FROM pictures WHERE owner = :person
UNION SELECT sha256 FROM recipe_inputs WHERE recipe IN ({_RECIPES})
"""
