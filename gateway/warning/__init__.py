"""Warning the people at the post: siren, lamp, radio, webhook, messages; each on its own, none waits for another."""
