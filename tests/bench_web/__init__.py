"""``make bench-web``: how fast the site answers, at 100,000 cells and 365 nights, beside a page that is only a constant."""
