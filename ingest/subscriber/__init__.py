"""From the broker into the journal, and receipts back to the posts."""
