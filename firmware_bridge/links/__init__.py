"""The lines that devices speak on: opening, losing and finding them again."""
