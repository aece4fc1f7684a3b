"""From the outbox to headquarters and back: batches up, receipts down."""
