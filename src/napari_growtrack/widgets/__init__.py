"""The napari room: panels that collect what a person wants, pass it to the core, and show what comes back."""
