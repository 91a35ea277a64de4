"""Commands, as a newcomer types them."""

from napari_growtrack.cli import main


def run(capsys, *words):
    """Run a command; return exit code, what it printed, and its complaint."""
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err
