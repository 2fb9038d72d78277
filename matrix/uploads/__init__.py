"""What a person hands in: how it comes to the runner, in which order it is tried, who agrees with whom."""
