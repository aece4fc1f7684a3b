"""Generated files that people read: settings with every default, quantities and labels. And how all are generated."""
