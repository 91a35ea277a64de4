"""The headless core: everything the panels do, without a screen."""
