"""A package, so that pytest ends what is shared by "package" (the Chromium) where its tests end."""
