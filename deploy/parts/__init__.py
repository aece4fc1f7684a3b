"""Real servers as subprocesses with a directory and a free port of their own, for the demo and the tests."""
