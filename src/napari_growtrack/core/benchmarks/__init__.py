"""Speed and accuracy, measured: see `catalogue`.

Nothing is loaded here: what networks are measured against runs in processes of its own, which need no network.
"""
