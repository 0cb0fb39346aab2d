"""Family trees of pictures: what one came from, and what came of it, as far as a person may see.

Invariant: a tree ends: it has at most MOST pictures, DEEP generations below the one it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.studio.rights import Asker, Sight
from bot.studio.studio import Studio
from storage.pictures import StoredPicture

MOST = 80
DEEP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A picture, and what was made of it, the newest first."""

    picture: StoredPicture
    made: tuple[TreeNode, ...] = ()

    def pictures(self) -> Iterator[StoredPicture]:
        """All of them."""
        yield self.picture
        for node in self.made:
            yield from node.pictures()


async def grown(studio: Studio, asker: Asker, picture: StoredPicture, sight: Sight) -> TreeNode:
    """The tree that a picture is in: down from the oldest that it came from.

    Of each before it only the one that led to it is there; of those after it, all.
    """
    line = await studio.gallery.lineage(asker, picture, sight)
    left = MOST - len(line)
    node, _ = await _below(studio, asker, line[0], sight, DEEP, left)
    for before in line[1:]:
        node = TreeNode(picture=before, made=(node,))
    return node


async def _below(
    studio: Studio, asker: Asker, picture: StoredPicture, sight: Sight, deep: int, left: int
) -> tuple[TreeNode, int]:
    """The picture with what was made of it, and how many more there is room for."""
    if deep == 0 or left <= 0:
        return TreeNode(picture=picture), left
    children = (await studio.gallery.made_of(asker, picture.id, sight))[:left]
    left -= len(children)
    made = []
    for child in children:
        node, left = await _below(studio, asker, child, sight, deep - 1, left)
        made.append(node)
    return TreeNode(picture=picture, made=tuple(made)), left
