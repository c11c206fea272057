"""``python -m talkface`` is ``talkface``."""

from talkface.cli import main

if __name__ == "__main__":
    main()
