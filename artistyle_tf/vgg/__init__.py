"""VGG19: its names, filters and features, and the precision they are computed in."""
