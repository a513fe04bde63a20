"""The command `artistyle`: flags in, a picture and an exit status out."""
