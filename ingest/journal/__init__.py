"""What came from the posts, as it came, on disk before anyone is told: and who has read how far."""
