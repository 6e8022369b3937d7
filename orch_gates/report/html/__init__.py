"""The dashboard as one static page: values in, the text of the page out (OBS-1)."""
