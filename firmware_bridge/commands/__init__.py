"""What a post says to its own sensors: commands in words, sealed with their keys, and what they answer."""
