"""Pieces that several panels are made of: rows, choices, notes, tables, plots, and work beside the window."""
