"""What a tune is, exactly: keys, meters, notes, chords."""
