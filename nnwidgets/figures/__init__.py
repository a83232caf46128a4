"""The still half of the widgets: analysis results as matplotlib figures for print, and small PNGs for the notebook."""
