"""Feature-driven talking-face generation with StyleGAN2."""
