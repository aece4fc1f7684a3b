"""What a payload from somebody else's device says: codecs that are known, declared or scripted, mapped to our catalogue."""
