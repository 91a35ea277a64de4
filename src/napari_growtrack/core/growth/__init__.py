"""Growing networks: the table, the network, its training and its file."""
