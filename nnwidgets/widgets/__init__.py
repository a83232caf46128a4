"""The Python half of every widget: one module a widget, with the same name as its browser half and its figure."""
