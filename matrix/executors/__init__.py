"""Where batches run. ``local`` runs them on this machine, in threads."""
