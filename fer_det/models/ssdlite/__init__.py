"""SSDLite: a small one-stage detector with one box for each face."""
