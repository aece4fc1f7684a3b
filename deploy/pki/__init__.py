"""Certificates of a network: one authority, the broker's certificate, one for each post and each service."""
