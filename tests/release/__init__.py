"""The package: how a release is made, what is in it, and that it runs where nothing else of the repository is."""
