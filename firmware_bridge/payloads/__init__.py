"""What a payload from somebody else's device says: codecs known, declared or scripted, mapped to our catalogue."""
