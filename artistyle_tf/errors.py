"""The errors that users meet. The text is one line: what was wrong and what would do."""

__all__ = ["ArtistyleError", "ConfigError", "InputError"]


class ArtistyleError(ValueError):
    """Base of the errors below. `exit_status` is what the command exits with."""

    exit_status = 1


class ConfigError(ArtistyleError):
    """A setting that is wrong whatever the files hold: no file had to be opened to know."""

    exit_status = 2


class InputError(ArtistyleError):
    """A file or folder that can't be used: missing, unreadable, not what its name says."""
