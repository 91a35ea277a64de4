"""napari-growtrack: one grown network, many speeds."""
