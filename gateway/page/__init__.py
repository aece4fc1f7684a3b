"""The post's page: what is happening now and how the post fares, for a phone on the post's Wi-Fi."""
