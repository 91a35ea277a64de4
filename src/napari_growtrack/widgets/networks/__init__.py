"""The Networks panel: what a network was grown on, how well it does, and what it sees under the cursor."""
