"""What a trained checkpoint has learned, and what has gone wrong in it."""
