"""Parts to running systems: the vigia command, the demo, keys, units, broker and compose files."""
