"""The rungs that all three ways of `tfmatrix bench` climb: open, deserialize, read the signature, call."""

import brought
import feed
import load
import recipes
import ways


def climb(tf, path, format_, model, method, inputs):  # noqa: PLR0913, PLR0917  the words of a command line
    """Load one file where it lies and call it; a failure is as good as a success, it only has to be the same in all."""
    job = {"format": format_, "model": model, "method": method, "inputs": inputs}
    arrays, structure = brought.given(job)
    try:
        load._open(path, format_)
        loaded = ways.load(tf, path, job, recipes.find(model), None)
        load._signature(loaded, method)
        feed.call_model(tf, loaded, arrays, structure)
    except Exception:  # noqa: BLE001
        return False
    return True
