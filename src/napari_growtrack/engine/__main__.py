"""Started by `Engine`, never by a person."""

from .serving import serve

if __name__ == "__main__":
    serve()
