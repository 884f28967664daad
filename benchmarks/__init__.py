"""Figures that users feel, as ratios measured side by side, with the machine's text."""
