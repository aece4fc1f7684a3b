"""`vigia doctor`: what is wrong at a post or at headquarters, in plain words, and what to do about it."""
