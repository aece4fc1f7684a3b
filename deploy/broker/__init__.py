"""Mosquitto at headquarters: TLS, one identity a post, and each post held to its own branch."""
