"""Raw corpora to prepared folders; ``talkface`` never imports this package."""
