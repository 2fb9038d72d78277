"""What is tested in: environments, how their images are made, and the probe that runs inside."""
