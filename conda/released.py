"""Write the recipe of a release: with the address and the checksum of its source instead of this folder.

Usage: python conda/released.py SOURCE.tar.gz RECIPE
"""

import hashlib
import sys
from pathlib import Path

HERE = "source:\n  path: ..\n"
PAGE = "https://github.com/napari-growtrack/napari-growtrack/releases/download"


def released(recipe: str, archive: Path) -> str:
    """Return a recipe that takes the release's source."""
    if HERE not in recipe:
        raise SystemExit(f"Expected a recipe whose source is this folder ({HERE!r}).")
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    url = f"{PAGE}/v${{{{ version }}}}/{archive.name}"
    return recipe.replace(HERE, f"source:\n  url: {url}\n  sha256: {checksum}\n")


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(released(Path(__file__).with_name("recipe.yaml").read_text(encoding="utf-8"), source))
