"""Bytes from devices to Readings. Knows nothing of MQTT, disk or network beyond the device's own link."""
