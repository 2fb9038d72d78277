"""What each page shows: from the matrix in memory and what was read beside it, to plain values for a template. Pure."""
