"""From what the intake accepted to what the post knows: rules, incidents, the board that the page shows, history."""
