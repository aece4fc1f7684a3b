"""What is happening, made of what was heard: pure, the same for the same history."""
