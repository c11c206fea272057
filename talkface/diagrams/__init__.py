"""Figures and sizes of the networks for ``docs/networks``, measured on the networks themselves."""
