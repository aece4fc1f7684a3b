"""Settings from files and the environment: read, explained where they are wrong, printed with what they mean."""
