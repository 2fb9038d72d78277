"""Gets a machine ready: a container engine where there is none, base images where no registry answers."""
