"""A DAG as a picture: SVG, PNG, DOT, JSON and text, in one visual language.

``draw`` is the one call for every form. ``tokens.json`` holds every colour, icon and word of a
state; ``picture`` says what there is to see, ``layout`` where it stands (Graphviz, or our own
layout where there is none or it can't finish), ``svg`` paints it.
"""
