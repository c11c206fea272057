"""What is measured on finished frames, landmarks and openings; never a network or a detector."""
