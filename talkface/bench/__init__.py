"""How fast training and rendering are on this machine, as ratios inside one run."""
