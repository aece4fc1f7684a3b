"""Pictures and clips of the posts: taken in pieces, verified, stored for good, listed."""
