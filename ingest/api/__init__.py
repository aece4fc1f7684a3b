"""The HTTP API of headquarters: the state of the service, and stored readings."""
