"""The demo: three simulated posts, headquarters, parts killed on the way, and a proof asked of InfluxDB itself."""
