"""Pure framing: bytes in, values or a reason out. No I/O, no clock, no log; `our_frames` alone reads key files and says so."""
