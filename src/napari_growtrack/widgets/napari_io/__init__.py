"""What napari opens and saves with this plugin: films, tables, trajectories, networks and sample films."""
