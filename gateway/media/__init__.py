"""What is kept of pictures and clips at the post."""
