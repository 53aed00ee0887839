"""One module a widget, its CSS beside its code."""
