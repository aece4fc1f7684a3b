"""PUBLISHED. Keeping stages running: restarts with back-off, and how long to wait before trying again."""
