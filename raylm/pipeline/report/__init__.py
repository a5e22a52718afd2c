"""The report of a run: one HTML file that needs nothing but itself.

`page.write_report` makes it from data, `drawing` turns the stages' figures into pictures, `collect` reads a run's artifacts.
Nothing is imported here: `raylm status` uses `collect` and must not load matplotlib.
"""
