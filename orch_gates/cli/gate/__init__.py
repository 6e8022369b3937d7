"""Gates: judging commits and publishing the verdict."""
