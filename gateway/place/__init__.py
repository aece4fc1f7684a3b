"""Where things are: the sensors, rivers and territories of a post, from its settings and its map."""
