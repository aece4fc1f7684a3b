"""For the technician and the developer: which sensors can be heard, what bytes say, the start of a new driver."""
