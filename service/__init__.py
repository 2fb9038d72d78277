"""Shows results and does what needs everything else: the command line, and later the web."""
