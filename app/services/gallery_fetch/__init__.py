"""Downloads cards and their pictures from public sources, as folders that ``gallery import`` reads."""
