"""Orders to posts at the coordinator's desk: looked at, signed, written into the book, and told in words."""
