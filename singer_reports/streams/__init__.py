"""From the slices of a stream to checked records and bookmarks."""
