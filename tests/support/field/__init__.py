"""The devices of a post, each at the other end of a real line, and what must come out of InfluxDB for each."""
