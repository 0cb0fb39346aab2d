"""A small convolutional network that tells, by heads, what a picture shows; written once.

    picture -> convolutions, each half as wide and tall -> features -> one head per attribute

The invariant: the network says nothing of words.  How many classes each head has is told to it;
`centres`, `whitening` and `reach` say how far from all that it has learned a picture may lie.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

SIDE = 128
WIDTHS = (32, 56, 112, 176, 224)
FEATURES = 128


class _Residual(nn.Module):
    """Two convolutions that mend what is there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return relu(x + self.norm2(self.conv2(relu(self.norm1(self.conv1(x))))))


class AttributeNet(nn.Module):
    """(count, 3, SIDE, SIDE) in -1..1 -> scores by the name of each head, and how far off it lies.

    `heads` are the numbers of classes by name; the first one's classes have the centres.
    """

    centres: Tensor
    whitening: Tensor
    reach: Tensor

    def __init__(self, heads: Mapping[str, int]) -> None:
        super().__init__()
        before, layers = 3, list[nn.Module]()
        for level, width in enumerate(WIDTHS):
            layers += [
                nn.Conv2d(before, width, 3, 2, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            if level in (2, 3):
                layers.append(_Residual(width))
            before = width
        self.body = nn.Sequential(*layers)
        flat = before * (SIDE >> len(WIDTHS)) ** 2
        self.hidden = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(flat, FEATURES))
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, n) for name, n in heads.items()})
        first = next(iter(heads.values()))
        self.register_buffer("centres", torch.zeros(first, FEATURES))
        self.register_buffer("whitening", torch.eye(FEATURES))
        self.register_buffer("reach", torch.full((1,), torch.inf))

    def features(self, pictures: Tensor) -> Tensor:
        """What the heads read: (count, FEATURES)."""
        found: Tensor = relu(self.hidden(self.body(pictures)))
        return found

    def scores(self, features: Tensor) -> dict[str, Tensor]:
        """(count, classes) by the name of each head, before any softmax."""
        return {name: head(features) for name, head in self.heads.items()}

    def distance(self, features: Tensor) -> Tensor:
        """How far from the nearest centre, as a share of the farthest that was its own: (count)."""
        away = (features[:, None] - self.centres[None]) @ self.whitening
        nearest = away.square().sum(-1).amin(-1).sqrt()
        return nearest / self.reach

    def read(self, picture: Tensor) -> tuple[dict[str, int], float, float]:
        """Of one picture (1, 3, SIDE, SIDE): the likeliest class by the name of each head, how
        likely the least likely of them is, and how far off it lies (beyond 1: out of reach)."""
        features = self.features(picture)
        likely = {
            name: torch.softmax(scores[0].float(), -1)
            for name, scores in self.scores(features).items()
        }
        classes = {name: int(each.argmax()) for name, each in likely.items()}
        sure = min(float(each.max()) for each in likely.values())
        return classes, sure, float(self.distance(features))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        return self.scores(self.features(pictures))
