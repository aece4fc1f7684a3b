"""Orders from headquarters: believed, carried out once, answered."""
