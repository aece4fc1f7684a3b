"""Readings to a durable outbox to MQTT: the daemon at the post."""
