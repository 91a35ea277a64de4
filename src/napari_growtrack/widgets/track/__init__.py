"""The Track panel: choose a network, preview what it finds, and track a film."""
