"""Icons, themes and translations, found through `importlib.resources`."""
