"""A film into a table on disk: written chunk by chunk, taken up after a kill, spread over workers."""
