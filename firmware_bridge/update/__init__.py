"""New firmware for a sensor, over its serial line: signed images, the gateway's side of an update, and its runner."""
