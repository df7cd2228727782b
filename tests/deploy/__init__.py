"""Containers, systemd units and the Kustomize base: linters find nothing, and their commands run as written."""
