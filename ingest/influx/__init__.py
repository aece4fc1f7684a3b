"""InfluxDB in its three dialects: how to reach it, write to it, and read it."""
