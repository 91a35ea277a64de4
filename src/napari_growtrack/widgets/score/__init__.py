"""The Score panel: compare detections with a truth, and visit what is wrong."""
