"""Pure framing: bytes in, values or a reason out. No I/O, no clock, no log; only `our_frames` reads key files."""
