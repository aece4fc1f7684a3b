"""Meshtastic: what its drivers share, whether a radio is heard over a wire, TCP or MQTT. Pure, no I/O.

Field and port numbers are facts of the published protocol (github.com/meshtastic/protobufs: mesh.proto,
telemetry.proto, portnums.proto, channel.proto); none of its files or code is used.
"""
