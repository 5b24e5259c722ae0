"""Music: scores, styles learnt from corpora, and melodies sampled exactly under constraints."""
