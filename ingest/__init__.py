"""Messages to a journal to InfluxDB: the service at headquarters."""
