"""A simulated sensor: the other end of our frames, on a pty."""
