"""The one durable thing on a gateway: what was accepted and is not yet receipted."""
