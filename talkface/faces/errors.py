"""What can go wrong between a picture and its aligned face."""


class FaceError(ValueError):
    """A picture or clip in which the face cannot be used."""


class NoFaceError(FaceError):
    """No face where one is needed."""


class LandmarkModelError(RuntimeError):
    """A landmark network cannot be built: package, file or download is missing."""
