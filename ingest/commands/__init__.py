"""Orders to posts: kept, sent until they are answered, their answers noted."""
