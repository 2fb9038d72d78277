"""The suite. Only what several test files share is a module of this package."""
