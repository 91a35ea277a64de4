"""The network that a panel looks at, whether or not anybody tracks with it; free of Qt."""

from __future__ import annotations

from typing import NamedTuple, Self

from ...core.networks.archive import read_card
from ...core.networks.card import Card
from ...core.networks.load import network_path
from ...jobs.context import NetworkFile


class Shown(NamedTuple):
    """The name or path of a network, its file, and its card."""

    name: str
    file: NetworkFile
    card: Card

    @classmethod
    def of(cls, name: str) -> Self:
        """Read a bundled network's card, or a file's.

        Raises
        ------
        NetworkFileError
            When there is none, or the file is damaged.
        """
        path = network_path(name)
        file = NetworkFile.of(path) if path.exists() else NetworkFile(path, 0)
        return cls(name, file, read_card(path))

    @property
    def locates(self) -> bool:
        """Whether it locates particles, rather than telling classes of images apart."""
        return self.card.recipe.scene is not None
