"""The errors shown to users. The text is one line: what is wrong and what would be valid."""


class ArtistyleError(ValueError):
    """Base class of the errors below. `exit_status` is the command's exit status for it."""

    exit_status = 1


class ConfigError(ArtistyleError):
    """An invalid setting, whatever the input files contain; detected without opening any."""

    exit_status = 2


class InputError(ArtistyleError):
    """A file or folder that can't be used: missing, unreadable, or not what its name says."""
