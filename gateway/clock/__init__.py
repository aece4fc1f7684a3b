"""When a thing was heard, how far that time can be believed, and a time for the rules that never goes back."""
