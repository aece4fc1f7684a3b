"""PUBLISHED. What the wire between a post and headquarters promises: topics, ranges, messages, receipts."""
