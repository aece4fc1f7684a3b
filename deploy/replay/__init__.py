"""Rules tried on what a post heard: what they would have done, beside what was done."""
