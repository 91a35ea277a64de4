"""A network's life: its card and file, how it is built, kept while it grows, calibrated, measured and loaded."""
